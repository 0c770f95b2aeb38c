namespace Caisson.Hypervisors;

/// <summary>
/// The descriptor numbers QEMU finds its sockets at. They are fixed, so that a command line is the same for every machine
/// of a kind; the launcher puts the descriptors there and closes every other one.
/// </summary>
public static class QemuDescriptors
{
    /// <summary>The listening QMP socket.</summary>
    public const int Qmp = 4;

    /// <summary>The write end of the console's pipe.</summary>
    public const int Console = 5;

    /// <summary>The listening socket behind the agent's virtio-serial port, or an open /dev/vhost-vsock.</summary>
    public const int Agent = 6;

    /// <summary>The connection to virtiofsd.</summary>
    public const int FileSharing = 7;

    /// <summary>Both ends of the console's pipe; no option names it. While QEMU has it, the pipe keeps what it holds.</summary>
    public const int ConsoleKeeper = 8;

    /// <summary>The first of the network cards' queues; each queue's vhost-net follows it, where there is one.</summary>
    public const int FirstNetworkQueue = 16;
}
