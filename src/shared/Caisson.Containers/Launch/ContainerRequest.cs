using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>What <see cref="ContainerLauncher.Create"/> needs to know. Descriptors stay the caller's.</summary>
public sealed record ContainerRequest
{
    /// <summary>The container's id, already checked by the caller.</summary>
    public required string Id { get; init; }

    /// <summary>The bundle's directory, absolute: relative paths of the configuration begin here, and hooks read it in their state.</summary>
    public required string Bundle { get; init; }

    /// <summary>The configuration, already validated by Caisson.Oci.</summary>
    public required OciSpec Spec { get; init; }

    /// <summary>The workload's standard streams; null inherits the caller's.</summary>
    public StandardStreams? Streams { get; init; }

    /// <summary>
    /// Where the master of the container's terminal is sent, in one message with one SCM_RIGHTS descriptor.
    /// Needed exactly if the configuration asks for a terminal.
    /// </summary>
    public UnixSocket? ConsoleSocket { get; init; }

    /// <summary>The terminal carries bytes as they are: for a process that only stands for one elsewhere, whose own terminal has the line discipline.</summary>
    public bool RawTerminal { get; init; }

    /// <summary>
    /// Where to make the fifo that <c>start</c> opens. Null: the container is started by <see cref="LaunchedContainer.Start"/>
    /// over the socket to its init, which is quicker and all that <c>run</c> needs.
    /// </summary>
    public string? ExecFifo { get; init; }

    /// <summary>How many descriptors from 3 up the workload inherits.</summary>
    public int PreserveFds { get; init; }

    /// <summary>
    /// The new network namespace, begun by the caller beforehand (<see cref="ContainerLauncher.TryBeginNetwork"/>); it stays the caller's.
    /// Null: it is made with the others.
    /// </summary>
    public NetworkNamespaceAhead? NetworkAhead { get; init; }

    /// <summary>Enters the root file system by MS_MOVE and chroot, for a host whose root is a ramdisk.</summary>
    public bool NoPivot { get; init; }

    /// <summary>Leaves the workload in the caller's session keyring.</summary>
    public bool NoNewKeyring { get; init; }

    /// <summary>The root file system as a detached mount; null takes <c>root.path</c> of the configuration.</summary>
    public MountFd? Rootfs { get; init; }

    /// <summary>Detached mounts that replace the sources of bind mounts, by index in <c>mounts</c>: no path of another mount namespace is ever looked up.</summary>
    public IReadOnlyDictionary<int, MountFd> MountSources { get; init; } = new Dictionary<int, MountFd>();

    /// <summary>The cgroup, as the configuration's <c>linux.cgroupsPath</c>; null takes that, and <c>/caisson-ID</c> where it is absent.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>The mounted hierarchies, where the caller has looked already; null looks.</summary>
    public CgroupLayout? CgroupLayout { get; init; }

    /// <summary>The caller has looked: there is no such cgroup yet.</summary>
    public bool CgroupIsNew { get; init; }

    /// <summary>
    /// Puts init, by its pid, into a new cgroup of that path: where somebody else makes cgroups, such as systemd. What is missing of the
    /// cgroup, and its limits, are added afterwards. Null: all of it is made here.
    /// </summary>
    public Action<int>? PlaceInit { get; init; }

    /// <summary>False leaves the container in the caller's cgroup.</summary>
    public bool UseCgroup { get; init; } = true;

    /// <summary>False leaves device rules out: their kernel side is root's alone, and an ordinary user cannot open what they would forbid.</summary>
    public bool LimitsDevices { get; init; } = true;

    /// <summary>The executable that enters the hidden verb <c>init</c>. Null: init is a managed clone of this process, which must have one mutator thread.</summary>
    public InitVerb? Verb { get; init; }

    /// <summary>
    /// Runs inside the prepared container instead of the workload; its result is the exit code. Only with a managed clone.
    /// </summary>
    public Func<int>? FinalStep { get; init; }

    /// <summary>Is the kernel the sandbox's alone? Then kernel parameters that belong to no namespace may be set too.</summary>
    public bool OwnsKernel { get; init; }

    /// <summary>Until <see cref="LaunchedContainer.Commit"/>, init dies with the thread that created it.</summary>
    public bool DiesWithCreator { get; init; } = true;

    /// <summary>Told what the user should hear and the container can live without.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Told of the pid as soon as there is one, before hooks run: the place to journal it.</summary>
    public Action<int>? OnPid { get; init; }
}
