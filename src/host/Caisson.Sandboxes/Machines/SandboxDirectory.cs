using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A sandbox's directory as a command sees it: sockets, snapshot, logs. Its parents and itself are the owner's alone.</summary>
internal sealed record SandboxDirectory(string Path)
{
    private const int IdBytes = 8;
    private const uint OnlyOwner = 0x1C0;       // 0700

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
        Lifeline.Create(Path);
    }

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
    internal void Remove()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private static string Parent(string path) => path[..path.LastIndexOf('/')];
}
