using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>A container's cgroup: where it is, what fills it, and how it is undone.</summary>
internal sealed class CgroupPlace
{
    private readonly CgroupLayout _layout;
    private readonly Action<string> _onWarning;
    private bool _limitsDevices = true;
    private Action _beforeUse = static () => { };

    private CgroupPlace(CgroupLayout layout, string path, Action<string> onWarning)
    {
        _layout = layout;
        _onWarning = onWarning;
        Path = path;
    }

    /// <summary>The path below every hierarchy, beginning with a slash.</summary>
    internal string Path { get; }

    /// <summary>Once it has been made.</summary>
    internal Cgroup? Cgroup { get; private set; }

    /// <summary>Decides on a path; nothing is made yet.</summary>
    internal static CgroupPlace Choose(ContainerRequest request) =>
        new(request.CgroupLayout ?? CgroupLayout.Discover(), CgroupPath.Of(request), request.OnWarning ?? (static _ => { }))
        {
            _limitsDevices = request.LimitsDevices,
            _mayBeThere = request is { PlaceInit: null, CgroupIsNew: false },
        };

    /// <summary>A path chosen before.</summary>
    internal static CgroupPlace At(string path) => new(CgroupLayout.Discover(), path, static _ => { });

    /// <summary>Whether somebody else made the cgroup, for several containers perhaps: then it is not for us to empty it.</summary>
    internal bool WasThere { get; private set; }

    // False where somebody has looked already, or made it for the container.
    private bool _mayBeThere;

    /// <summary>Looks at the place and makes as much of the cgroup as a process that is to <see cref="Enter"/> it is born into.</summary>
    internal void Prepare() => Attempt(() =>
    {
        var wanted = Cgroup.Open(_layout, Path);
        WasThere = _mayBeThere && CgroupArrival.Inspect(wanted, _onWarning);

        // Known before it is made, so that half of one is undone too.
        Cgroup = wanted;
        Cgroup.CreateUnified(_layout, Path);
    });

    /// <summary>Makes the rest of the cgroup, and sets its limits.</summary>
    internal void Complete(LinuxResources? resources) => Attempt(() =>
    {
        Cgroup.Create(_layout, Path);
        CgroupLimits limits = CgroupConversion.ForCreate(resources);
        Cgroup!.Apply(_limitsDevices ? limits : limits with { Devices = null });
    });

    /// <summary>Makes the cgroup with its limits, and moves init in.</summary>
    internal void Fill(int pid, LinuxResources? resources)
    {
        Prepare();
        Complete(resources);
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

    /// <summary>Takes away what <see cref="Prepare"/> made, once init is gone.</summary>
    /// <param name="killsAll">Without a pid namespace of its own, init's end does not end the others.</param>
    internal void Undo(bool killsAll)
    {
        if (WasThere || Cgroup is not { } made)
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
