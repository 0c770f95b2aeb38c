namespace Caisson.Oci;

/// <summary>The specification that <c>caisson spec</c> writes: a shell in fresh namespaces, as <c>runc spec</c> has it.</summary>
public static class DefaultSpec
{
    /// <summary>The version written into specifications: the one whose meaning runc 1.1 gives the same content.</summary>
    public const string OciVersion = "1.0.2-dev";

    private static readonly SpecList<string> s_capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

    /// <summary>Makes the specification.</summary>
    /// <param name="rootless">For a caller who is not root: a user namespace with one id, no network namespace, no cgroup limits.</param>
    public static OciSpec Create(bool rootless) => Create(rootless, 0, 0);

    /// <summary>Makes the specification.</summary>
    /// <param name="rootless">For a caller who is not root: a user namespace with one id, no network namespace, no cgroup limits.</param>
    /// <param name="hostUid">The user who is root inside a rootless container.</param>
    /// <param name="hostGid">The group which is root's inside a rootless container.</param>
    public static OciSpec Create(bool rootless, uint hostUid, uint hostGid) => new()
    {
        OciVersion = OciVersion,
        Process = Shell(),
        Root = new OciRoot { Path = "rootfs", Readonly = true },
        Hostname = "runc",
        Mounts = Mounts(rootless),
        Linux = new OciLinux
        {
            UidMappings = rootless ? [new LinuxIdMapping { ContainerId = 0, HostId = hostUid, Size = 1 }] : [],
            GidMappings = rootless ? [new LinuxIdMapping { ContainerId = 0, HostId = hostGid, Size = 1 }] : [],
            Resources = rootless ? null : new LinuxResources { Devices = [new LinuxDeviceCgroup { Allow = false, Access = "rwm" }] },
            Namespaces = rootless
                ? [Namespace("pid"), Namespace("ipc"), Namespace("uts"), Namespace("mount"), Namespace("user")]
                : [Namespace("pid"), Namespace("network"), Namespace("ipc"), Namespace("uts"), Namespace("mount")],
            MaskedPaths =
            [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
            ],
            ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    };

    private static OciProcess Shell() => new()
    {
        Terminal = true,
        Args = ["sh"],
        Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        Cwd = "/",
        NoNewPrivileges = true,
        Capabilities = new OciCapabilities
        {
            Bounding = s_capabilities,
            Effective = s_capabilities,
            Permitted = s_capabilities,
            Ambient = s_capabilities,
        },
        Rlimits = [new OciRlimit { Type = "RLIMIT_NOFILE", Hard = 1024, Soft = 1024 }],
    };

    // Without privilege neither a sysfs of one's own (no network namespace) nor a group other than one's own can be had.
    private static SpecList<OciMount> Mounts(bool rootless) =>
    [
        Mount("/proc", "proc", "proc"),
        Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        rootless
            ? Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
            : Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        rootless
            ? Mount("/sys", "none", "/sys", "rbind", "nosuid", "noexec", "nodev", "ro")
            : Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
    ];

    private static OciMount Mount(string destination, string type, string source, params ReadOnlySpan<string> options) =>
        new() { Destination = destination, Type = type, Source = source, Options = SpecList.Create(options) };

    private static LinuxNamespace Namespace(string type) => new() { Type = type };
}
