using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// Where things are while they run. The root holds one directory for each container, records only, and may hold directories of
/// others: Docker gives one root to several runtimes. Sandboxes live elsewhere, because engines' roots are too long for socket paths.
/// </summary>
public sealed record RuntimePlaces
{
    private const uint OnlyOwner = 0x1C0; // 0700
    private const uint Sticky = 0x200; // 01000: keeps it from being cleaned away (XDG base directory specification, XDG_RUNTIME_DIR)
    private const uint OthersMayWrite = 0x12; // 0022

    private readonly bool _isUsers;

    private RuntimePlaces(string root, string sandboxes, bool isUsers)
    {
        Root = root;
        Sandboxes = sandboxes;
        _isUsers = isUsers;
    }

    /// <summary>The containers' records: <c>--root</c>, or /run/caisson.</summary>
    public string Root { get; }

    /// <summary>The sandboxes' own directories, whatever the root is.</summary>
    public string Sandboxes { get; }

    /// <summary>Decides the places; nothing is made yet.</summary>
    /// <param name="root">What <c>--root</c> says, or null.</param>
    /// <param name="userId">The effective user id.</param>
    /// <param name="runtimeDirectory">XDG_RUNTIME_DIR; podman passes it empty to a runtime that runs as root.</param>
    /// <exception cref="SandboxException">Neither a root nor a directory of the user's own is known.</exception>
    /// <param name="isOrdinary">
    /// Whether the user is none but an ordinary one, who has no right to /run: by the id, or as the root of a user namespace.
    /// </param>
    public static RuntimePlaces Decide(string? root, uint userId, string? runtimeDirectory, bool isOrdinary)
    {
        string? home = !isOrdinary ? "/run" : FirstDirectory(runtimeDirectory, $"/run/user/{userId}");
        if (home is null && root is null)
        {
            throw new SandboxException("no place for the containers' records: XDG_RUNTIME_DIR is not set; set it to a directory of your own, or give --root DIR");
        }

        string own = Path.Combine(home ?? root!, "caisson");
        return new RuntimePlaces(root is null ? own : Path.GetFullPath(root), Path.Combine(own, "sandboxes"), isOrdinary && root is null);
    }

    /// <summary>Makes the root where it is missing, and refuses one that others could plant records in.</summary>
    /// <exception cref="SandboxException">The root cannot be made or trusted.</exception>
    public void EnsureRoot()
    {
        string? parent = Path.GetDirectoryName(Root);
        try
        {
            if (parent is not null)
            {
                Directory.CreateDirectory(parent);
            }

            if (!FileCalls.TryMakeDirectory(Root, _isUsers ? OnlyOwner | Sticky : OnlyOwner, out Errno why) && why != Errno.EEXIST)
            {
                throw new SyscallException($"mkdir({Root})", why);
            }

            CheckRoot();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new SandboxException($"--root {Root}: cannot be made: {Failure.Describe(cause)}", cause);
        }
    }

    // A sticky directory, such as /tmp, is refused too: others could still plant a record under an id that is not taken yet.
    private void CheckRoot()
    {
        FileStatus status = FileCalls.Stat(Root);
        if (status.Type != FileType.Directory)
        {
            throw new SandboxException($"--root {Root}: is not a directory");
        }

        if ((status.Mode & OthersMayWrite) != 0)
        {
            throw new SandboxException(
                $"--root {Root}: others may write there (mode {Convert.ToString(status.Mode & 0xFFF, 8)}), and could plant containers; `chmod go-w {Root}`, or choose a directory of your own");
        }
    }

    private static string? FirstDirectory(params ReadOnlySpan<string?> candidates)
    {
        foreach (string? candidate in candidates)
        {
            if (!string.IsNullOrEmpty(candidate) && candidate[0] == '/' && Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
