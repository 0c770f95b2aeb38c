using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A socket pair over which a container's init sends the master of its terminal to ourselves, as it would to an engine.</summary>
internal sealed class ConsolePair : IDisposable
{

    private readonly UnixSocket _near;

    private ConsolePair(UnixSocket near, UnixSocket far)
    {
        _near = near;
        Far = far;
    }

    /// <summary>The end for the container.</summary>
    internal UnixSocket Far { get; }

    internal static ConsolePair Create()
    {
        (UnixSocket near, UnixSocket far) = UnixSocket.Pair();
        return new ConsolePair(near, far);
    }

    /// <summary>Receives the master, which was sent before the container was reported ready.</summary>
    internal PtyMaster TakeMaster()
    {
        ReceivedMessage message = _near.ReceiveMessage(stackalloc byte[512], maxDescriptors: 1);
        if (message.Descriptors is not [FileFd master])
        {
            throw new SandboxException("terminal: the container's init sent no terminal");
        }

        return PtyMaster.FromNumber(master.Release());
    }

    public void Dispose()
    {
        _near.Dispose();
        Far.Dispose();
    }
}
