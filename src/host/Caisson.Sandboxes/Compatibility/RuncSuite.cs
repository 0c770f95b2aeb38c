namespace Caisson.Sandboxes;

/// <summary>A test of runc's own suite that does not pass with Caisson.</summary>
/// <param name="Test">The suite's file and the test's title, as <c>update.bats: update rt period</c>.</param>
/// <param name="Isolation">The isolation it was run with.</param>
/// <param name="Reason">Why it does not pass, and whether it should.</param>
internal sealed record SuiteFailure(string Test, Isolation Isolation, string Reason);

/// <summary>runc's integration suite (tag v1.1.5), run as a peer's: what of the tests that runc itself passes does not pass here.</summary>
internal static class RuncSuite
{
    private const string DebugText = "looks for texts that only runc's own init writes; `--debug` tells Caisson's steps";
    private const string ProgramName = "looks for runc's name at the head of the text; Caisson's has its own";
    private const string CgroupName =
        "looks for a cgroup with the container's bare id; without cgroupsPath ours is `caisson-ID`, so that an id never names a cgroup of somebody else";

    private const string NotifyAgent = "an agent of the host cannot answer for another kernel's system calls: refused by name (linux.seccomp.listenerPath)";
    private const string HostDevice = "uses a block device of the host, which a virtual machine does not see: refused by name (linux.devices)";
    private const string GuestCgroups = "looks for cgroup v1 inside the container; the guest has cgroup v2, whatever the host has";
    private const string HostFile =
        "looks at a file of the host's cgroup: there the machine is limited, by the container's limit and what QEMU needs; the container's own is in the guest";

    internal static readonly SuiteFailure[] Failures =
    [
        .. Each(Isolation.Namespaces, "debug", DebugText,
            "global --debug", "global --debug to --log", "global --debug to --log --log-format 'text'", "global --debug to --log --log-format 'json'"),
        .. Each(Isolation.Namespaces, "exec", DebugText, "runc --debug exec", "runc --debug --log exec"),
        .. Each(Isolation.Namespaces, "help", ProgramName, "runc -h", "runc command -h"),
        .. Each(Isolation.Namespaces, "version", ProgramName, "runc version"),
        .. Each(Isolation.Namespaces, "delete", CgroupName, "runc delete"),

        .. Each(Isolation.Vm, "debug", DebugText,
            "global --debug", "global --debug to --log", "global --debug to --log --log-format 'text'", "global --debug to --log --log-format 'json'"),
        .. Each(Isolation.Vm, "exec", DebugText, "runc --debug exec", "runc --debug --log exec"),
        .. Each(Isolation.Vm, "help", ProgramName, "runc -h", "runc command -h"),
        .. Each(Isolation.Vm, "version", ProgramName, "runc version"),
        .. Each(Isolation.Vm, "delete", CgroupName, "runc delete"),
        .. Each(Isolation.Vm, "seccomp-notify", NotifyAgent,
            "runc run [seccomp] (SCMP_ACT_NOTIFY noNewPrivileges false)", "runc run [seccomp] (SCMP_ACT_NOTIFY noNewPrivileges true)",
            "runc exec [seccomp] (SCMP_ACT_NOTIFY noNewPrivileges false)", "runc exec [seccomp] (SCMP_ACT_NOTIFY noNewPrivileges true)",
            "runc run [seccomp] (SCMP_ACT_NOTIFY important syscalls noNewPrivileges false)",
            "runc run [seccomp] (SCMP_ACT_NOTIFY important syscalls noNewPrivileges true)",
            "runc run [seccomp] (empty listener path)", "runc run [seccomp] (SCMP_ACT_NOTIFY kill seccompagent)",
            "runc run [seccomp] (SCMP_ACT_NOTIFY no seccompagent)", "runc run [seccomp] (SCMP_ACT_NOTIFY error chmod)",
            "runc run [seccomp] (SCMP_ACT_NOTIFY startContainer hook)", "runc run [seccomp] (SCMP_ACT_NOTIFY example config)"),
        .. Each(Isolation.Vm, "cgroups", HostDevice, "runc run (per-device io weight for bfq)"),
        .. Each(Isolation.Vm, "dev", HostDevice, "runc run [device cgroup allow rm block device]"),
        .. Each(Isolation.Vm, "cgroups", "expects limits of cgroup v2 to be refused on a host with v1; the guest has v2 and honours them",
            "runc run (cgroup v1 + unified resources should fail)"),
        .. Each(Isolation.Vm, "cgroups", GuestCgroups, "runc exec (cgroup v1+hybrid joins correct cgroup)"),
        .. Each(Isolation.Vm, "userns", GuestCgroups, "userns with bind mount before a cgroupfs mount"),
        .. Each(Isolation.Vm, "delete", GuestCgroups, "runc delete --force in cgroupv1 with subcgroups"),
        .. Each(Isolation.Vm, "exec", "a process in the guest cannot be put into a cgroup that the host names: refused by name", "runc exec --cgroup sub-cgroups [v1]"),
        .. Each(Isolation.Vm, "exec", "a descriptor of the host cannot be used by another kernel: refused by name", "runc exec --preserve-fds"),
        .. Each(Isolation.Vm, "hooks", "a createRuntime hook mounts in the namespace of the pid that it is given, which is the keeper's; such mounts do not reach the guest",
            "runc run (hooks library tests)"),
        .. Each(Isolation.Vm, "mounts_recursive", "a read-only bind is shared with the guest as one read-only tree: mounts below it are read-only too, which is stricter",
            "runc run [rbind,ro mount is read-only but not recursively]"),
        .. Each(Isolation.Vm, "ps", "the guest's processes are listed in one form; further options of ps are the host's", "ps -e -x"),
        .. Each(Isolation.Vm, "run", HostFile, "runc run --keep (check cgroup exists)"),
        .. Each(Isolation.Vm, "update", HostFile,
            "update cgroup v1/v2 common limits", "update cgroup cpu limits", "set cpu quota with no period", "update cpu quota with no previous period/quota set"),
        .. Each(Isolation.Vm, "update", "the guest has cgroup v2, which gives out no real-time CPU time: refused by name", "update rt period and runtime"),
    ];

    private static SuiteFailure[] Each(Isolation isolation, string file, string reason, params string[] tests) =>
        Array.ConvertAll(tests, test => new SuiteFailure($"{file}.bats: {test}", isolation, reason));
}
