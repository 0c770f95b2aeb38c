using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A sandbox's directory as a command sees it: sockets, snapshot, logs. Its parents and itself are the owner's alone.</summary>
internal sealed record SandboxDirectory(string Path)
{
    private const int IdBytes = 8;
    private const uint OnlyOwner = 0x1C0;       // 0700
    private const uint FileMode = 0x180;        // 0600

    /// <summary>The member that the sandbox was made for. No container's id: that has no such letter.</summary>
    internal const string Owner = "@owner";

    // One file for each container whose record names the sandbox. A directory is removed by the kernel only when it is empty, and by one
    // process only: so the last container to go takes the sandbox's directory along, whoever deletes which at the same moment.
    private const string Members = "members";

    internal string Id => Path[(Path.LastIndexOf('/') + 1)..];

    internal string Control => $"{Path}/control.sock";

    internal string Descriptors => $"{Path}/descriptors.sock";

    /// <summary>Chooses a name that is free; nothing is made yet.</summary>
    internal static SandboxDirectory Choose(string sandboxes) =>
        new($"{sandboxes}/{KernelRandom.Hex(IdBytes)}");

    internal static SandboxDirectory Of(string sandboxes, string id) => new($"{sandboxes}/{id}");

    internal void Create()
    {
        foreach (string directory in (ReadOnlySpan<string>)[Parent(Parent(Path)), Parent(Path)])
        {
            if (!FileCalls.TryMakeDirectory(directory, OnlyOwner, out Errno why) && why != Errno.EEXIST)
            {
                throw new SandboxException($"sandbox directory: mkdir {directory}: {why.Describe()}");
            }
        }

        FileCalls.MakeDirectory(Path, OnlyOwner);
        FileCalls.MakeDirectory($"{Path}/{Members}", OnlyOwner);
        Enter(Owner);
        Lifeline.Create(Path);
    }

    /// <summary>Where a container's membership is written.</summary>
    internal string MemberPath(string name) => $"{Path}/{Members}/{name}";

    /// <summary>From here until it leaves, the directory stays.</summary>
    /// <exception cref="SandboxException">The sandbox is gone.</exception>
    internal void Enter(string name)
    {
        if (!FileCalls.TryOpen(MemberPath(name), OpenFlags.O_WRONLY | OpenFlags.O_CREAT, out FileFd file, out Errno why, FileMode))
        {
            throw new SandboxException($"sandbox {Id}: open {MemberPath(name)}: {why.Describe()}: the sandbox has been deleted");
        }

        file.Dispose();
    }

    /// <summary>A container's record goes; with the last one the directory.</summary>
    internal void Leave(string name)
    {
        FileCalls.TryRemove(MemberPath(name), isDirectory: false, out _);
        if (FileCalls.TryRemove($"{Path}/{Members}", isDirectory: true, out Errno why) || why == Errno.ENOENT)
        {
            Remove();
        }
    }

    /// <summary>The same, of what a journal says.</summary>
    internal static void LeaveBy(string memberPath) => new SandboxDirectory(Parent(Parent(memberPath))).Leave(memberPath[(memberPath.LastIndexOf('/') + 1)..]);

    /// <summary>File name of a keeper's socket. Ids may be longer than a socket path allows, so keepers are numbered by chance.</summary>
    internal static string ChooseKeeperSocket() => $"keeper-{KernelRandom.Hex(IdBytes)}.sock";

    /// <summary>The snapshot, or null where the sandbox never got so far or is gone.</summary>
    internal SandboxSnapshot? TryReadSnapshot()
    {
        try
        {
            return SnapshotFile.Read(Path);
        }
        catch (SandboxException cause) when (cause.InnerException is SyscallException { Errno: Errno.ENOENT })
        {
            return null;
        }
    }

    /// <summary>The last lines of the supervisor's log, for an error whose reason lies there.</summary>
    internal string LogTail()
    {
        const int Shown = 400;
        return SmallFile.TryReadText($"{Path}/supervisor.log", out string text, out _) && text.Length > 0
            ? $"; supervisor.log: {text[^Math.Min(Shown, text.Length)..].Trim()}"
            : "";
    }

    /// <summary>Removes it with all that is in it: names of ours, and nothing is mounted there outside the supervisor's namespace.</summary>
    /// <exception cref="SandboxException">Something in it cannot be removed.</exception>
    internal void Remove()
    {
        while (Directory.Exists(Path))
        {
            try
            {
                Directory.Delete(Path, recursive: true);
            }
            catch (Exception cause) when (cause is DirectoryNotFoundException or FileNotFoundException)
            {
                // Containers of a pod that are deleted at the same moment all find themselves to be the last; what another has removed is removed.
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
            {
                throw new SandboxException($"sandbox {Id}: remove {Path}: {Failure.Describe(cause)}", cause);
            }
        }
    }

    private static string Parent(string path) => path[..path.LastIndexOf('/')];
}
