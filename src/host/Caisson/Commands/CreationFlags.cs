using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The flags that <c>create</c> and <c>run</c> share, and what they mean together with a configuration.</summary>
internal static class CreationFlags
{
    internal const string Bundle = "bundle";
    internal const string PidFile = "pid-file";
    internal const string ConsoleSocket = "console-socket";
    internal const string Sandbox = "sandbox";
    internal const string PreserveFds = "preserve-fds";

    internal static readonly Flag[] Shared =
    [
        Flag.Text(Bundle, "DIR", "the bundle's directory (default: the current one)", 'b'),
        Flag.Text(ConsoleSocket, "SOCKET", "a unix socket that is sent the master end of the container's terminal"),
        Flag.Text(PidFile, "FILE", "write the container's pid to this file"),
        Flag.Switch("no-pivot", "enter the root file system without pivot_root, for a host whose root is a ramdisk"),
        Flag.Switch("no-new-keyring", "leave the container in the caller's session keyring"),
        Flag.Number(PreserveFds, "pass N descriptors from 3 up to the container, beyond LISTEN_FDS"),
    ];

    /// <exception cref="SandboxException">The flags and the configuration's terminal do not fit, in runc's words.</exception>
    internal static void CheckTerminal(OciProcess? process, bool detach, string? consoleSocket)
    {
        bool terminal = process?.Terminal ?? false;
        if (detach && terminal && consoleSocket is null)
        {
            throw new SandboxException("cannot allocate tty if caisson will detach without setting console socket");
        }

        if (consoleSocket is not null && !(detach && terminal))
        {
            throw new SandboxException("cannot use console socket if caisson will not detach or allocate tty");
        }
    }
}
