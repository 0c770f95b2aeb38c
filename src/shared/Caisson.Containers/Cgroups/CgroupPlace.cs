using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>A container's cgroup: where it is, what fills it, and how it is undone.</summary>
internal sealed class CgroupPlace
{
    private readonly CgroupLayout _layout;
    private Action _beforeUse = static () => { };

    private CgroupPlace(CgroupLayout layout, string path)
    {
        _layout = layout;
        Path = path;
    }

    /// <summary>The path below every hierarchy, beginning with a slash.</summary>
    internal string Path { get; }

    /// <summary>Once it has been made.</summary>
    internal Cgroup? Cgroup { get; private set; }

    /// <summary>Decides on a path; nothing is made yet.</summary>
    internal static CgroupPlace Choose(ContainerRequest request) =>
        new(request.CgroupLayout ?? CgroupLayout.Discover(), CgroupPath.Of(request));

    /// <summary>A path chosen before.</summary>
    internal static CgroupPlace At(string path) => new(CgroupLayout.Discover(), path);

    // A cgroup that somebody else made, for several containers perhaps, is neither emptied nor removed by us.
    private bool _existed;

    /// <summary>Makes the cgroup with its limits, for a process that will <see cref="Enter"/> by itself.</summary>
    internal void Make(LinuxResources? resources) => Attempt(() =>
    {
        Cgroup existing = Cgroup.Open(_layout, Path);
        _existed = existing.Exists;
        if (_existed && existing.IsFrozen)
        {
            throw new ContainerException($"container's cgroup unexpectedly frozen: {Path}", Errno.EBUSY);
        }

        // Known before it is made, so that half of one is undone too.
        Cgroup = existing;
        Cgroup.Create(_layout, Path);
        Cgroup.Apply(CgroupConversion.ForCreate(resources));
    });

    /// <summary>Makes the cgroup with its limits, and moves init in.</summary>
    internal void Fill(int pid, LinuxResources? resources)
    {
        Make(resources);
        Attempt(() => Cgroup!.Join(pid));
    }

    /// <summary>Moves the calling process in, which has been cloned into the v2 directory already if there is one.</summary>
    internal void Enter() => Attempt(() => Cgroup!.JoinAsSingleThread(isInUnified: true));

    /// <summary>The v2 directory to clone into, or null where v2 is not mounted.</summary>
    internal DirectoryFd? OpenUnifiedDirectory() =>
        Cgroup!.UnifiedDirectory is null ? null : Cgroup.OpenUnifiedDirectory();

    private static void Attempt(Action step)
    {
        try
        {
            step();
        }
        catch (CgroupException cause)
        {
            throw new ContainerException($"unable to apply cgroup configuration: {cause.Message}", cause.Errno, cause);
        }
    }

    /// <summary>What init waits for before it looks at its cgroup.</summary>
    internal void BeforeUse(Action wait) => _beforeUse = wait;

    internal CgroupLayout Use()
    {
        _beforeUse();
        return _layout;
    }

    /// <summary>Takes away what <see cref="Make"/> made, once init is gone.</summary>
    /// <param name="killsAll">Without a pid namespace of its own, init's end does not end the others.</param>
    internal void Undo(bool killsAll)
    {
        if (_existed || Cgroup is not { } made)
        {
            return;
        }

        if (killsAll)
        {
            made.KillAll(Signal.SIGKILL);
        }

        made.Remove();
    }
}
