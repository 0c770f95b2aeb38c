using System.Globalization;
using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// sd_notify(3) for a container. A service manager gives its service the path of a socket; the container gets one of its own, and that it
/// is ready is passed on, and with it which process is the service's from then on. Nothing else is passed: the sender is the container.
/// A directory is mounted into the container at its creation; the socket in it is bound by the command that starts the container.
/// </summary>
public sealed class NotifySocket : IDisposable
{
    /// <summary>The variable that names the service manager's socket, and inside the container's own.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    private const string FileName = "notify.sock";
    private const string DirectoryInside = "/run/notify";
    private const string Ready = "READY=";
    private const int LargestMessageBytes = 4096;
    private const uint DirectoryMode = 0x1ED; // 0755
    private const uint SocketMode = 0x1FF; // 0777: whatever user the container's process is

    // sd_notify_barrier(3): the manager must have read who we are before we are gone. As long as runc waits.
    private static readonly TimeSpan s_barrierPatience = TimeSpan.FromSeconds(30);

    private readonly UnixSocket _own;
    private readonly UnixSocket _manager;

    private NotifySocket(UnixSocket own, UnixSocket manager)
    {
        _own = own;
        _manager = manager;
    }

    internal FileDescriptor Descriptor => _own;

    /// <summary>Adds what the container needs to speak: a mount, and the variable.</summary>
    /// <param name="spec">The configuration.</param>
    /// <param name="recordDirectory">The container's record directory, in which a directory is made.</param>
    public static OciSpec Offer(OciSpec spec, string recordDirectory)
    {
        ArgumentNullException.ThrowIfNull(spec);
        string directory = Path.Combine(recordDirectory, ContainerStore.NotifyDirectory);
        FileCalls.MakeDirectory(directory, DirectoryMode);
        var mount = new OciMount
        {
            Destination = DirectoryInside,
            Type = "bind",
            Source = directory,
            Options = ["bind", "nosuid", "noexec", "nodev", "ro"],
        };
        OciProcess process = spec.Process ?? new OciProcess();
        return spec with
        {
            Mounts = [.. spec.Mounts, mount],
            Process = process with { Env = [.. Others(process.Env), $"{Variable}={DirectoryInside}/{FileName}"] },
        };
    }

    /// <summary>Binds the socket of a container that is about to be started.</summary>
    /// <param name="recordDirectory">The container's record directory.</param>
    /// <param name="manager">The service manager's socket.</param>
    /// <returns>Null where there is nobody to tell, or the container was created without.</returns>
    /// <exception cref="SandboxException">The manager's socket cannot be reached.</exception>
    public static NotifySocket? Bind(string recordDirectory, string? manager)
    {
        string directory = Path.Combine(recordDirectory, ContainerStore.NotifyDirectory);
        if (string.IsNullOrEmpty(manager) || !Directory.Exists(directory))
        {
            return null;
        }

        UnixSocket connected = Connect(manager);
        try
        {
            string path = Path.Combine(directory, FileName);
            UnixSocket own = UnixSocket.Bind(path);
            FileCalls.ChangeMode(path, SocketMode);
            return new NotifySocket(own, connected);
        }
        catch
        {
            connected.Dispose();
            throw;
        }
    }

    /// <summary>Waits until the container says that it is ready, or ends, and passes it on: for a container that nobody of ours waits for.</summary>
    /// <param name="init">The container's init.</param>
    public void PassReadiness(ProcessIdentity init)
    {
        if (!PidFd.TryOpen(init.Pid, out PidFd? process, out _))
        {
            return;
        }

        using (process)
        {
            Span<PollTarget> targets = [new PollTarget(_own, PollEvents.In), new PollTarget(process, PollEvents.In)];
            while (init.IsAlive)
            {
                Poller.Wait(targets, Timeout.InfiniteTimeSpan);
                if (targets[0].Returned != PollEvents.None && TryPass(init.Pid))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Takes one message, and passes it on if it says that the container is ready.</summary>
    /// <param name="mainPid">The service's process from now on.</param>
    internal bool TryPass(int mainPid)
    {
        byte[] buffer = new byte[LargestMessageBytes];
        if (!_own.TryReceiveMessage(buffer, maxDescriptors: 1, out ReceivedMessage message, out _))
        {
            return false;
        }

        foreach (FileFd descriptor in message.Descriptors)
        {
            descriptor.Dispose();
        }

        foreach (string line in Encoding.UTF8.GetString(buffer, 0, message.Length).Split('\n'))
        {
            if (line.StartsWith(Ready, StringComparison.Ordinal))
            {
                Tell(line, mainPid);
                return true;
            }
        }

        return false;
    }

    public void Dispose()
    {
        _own.Dispose();
        _manager.Dispose();
    }

    private static UnixSocket Connect(string manager)
    {
        try
        {
            return UnixSocket.Connect(manager, UnixSocketKind.Datagram);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"{Variable}: dial unixgram {manager}: connect: {Failure.Words(cause.Errno)}", cause);
        }
    }

    private static List<string> Others(SpecList<string> environment)
    {
        var others = new List<string>();
        foreach (string variable in environment)
        {
            if (!variable.StartsWith(Variable + "=", StringComparison.Ordinal))
            {
                others.Add(variable);
            }
        }

        return others;
    }

    // A manager that has gone away needs to know nothing.
    private void Tell(string ready, int mainPid)
    {
        if (!TrySend(ready + "\n") || !TrySend(string.Create(CultureInfo.InvariantCulture, $"MAINPID={mainPid}\n")))
        {
            return;
        }

        using PipePair barrier = PipePair.Create();
        if (_manager.TrySendMessage("BARRIER=1"u8, [barrier.Write], out _, out _))
        {
            barrier.Write.Dispose();
            Poller.Wait(barrier.Read, PollEvents.HangUp, s_barrierPatience);
        }
    }

    private bool TrySend(string message) => _manager.TrySendMessage(Encoding.UTF8.GetBytes(message), [], out _, out _);
}
