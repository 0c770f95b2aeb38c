using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>The end of the machine.</summary>
internal static class GuestPower
{
    // A host that does not read its answer must not keep the machine.
    private static readonly TimeSpan s_hostPatience = TimeSpan.FromSeconds(5);

    private static FileFd? s_port;

    /// <summary>The port whose last answer is waited for.</summary>
    internal static void AnswersThrough(FileFd port) => s_port = port;

    /// <summary>
    /// Switches off once the host has what was written last: the kernel says that a port takes more when QEMU has taken the buffer before
    /// (will_write_block in drivers/char/virtio_console.c), which then is in the host's socket.
    /// </summary>
    internal static void OffAfterLastAnswer()
    {
        if (s_port is { } port)
        {
            Poller.Wait(port, PollEvents.Out, s_hostPatience);
        }

        Off();
    }

    /// <summary>Writes everything back and switches off. </summary>
    internal static void Off()
    {
        Machine.Sync();
        Machine.PowerOff();
    }
}
