namespace Caisson.Sandboxes;

/// <summary>What one isolation does otherwise in a command, or with one of its flags.</summary>
/// <param name="Command">The command; empty for a flag before every command.</param>
/// <param name="Flag">The flag's long name without dashes; empty for the command as a whole.</param>
/// <param name="Namespaces">The answer of <c>namespaces</c>.</param>
/// <param name="Vm">The answer of <c>vm</c>.</param>
internal sealed record CommandNote(string Command, string Flag, Answer Namespaces, Answer Vm);

/// <summary>The commands and flags whose answer is not a plain yes in both isolations. The others are taken from the command line's own table.</summary>
internal static class CommandNotes
{
    internal static readonly CommandNote[] All =
    [
        new("", "criu", Answer.Yes, Answer.Not("a machine's state is not saved yet")),
        new("", "systemd-cgroup", Answer.YesWhere("an error where systemd does not run"), Answer.As("the machine's cgroup on the host is systemd's unit; an error where systemd does not run")),
        new("", "rootless", Answer.Yes, Answer.As("machines need root")),
        new("create", "no-new-keyring", Answer.Yes, Answer.As("the keeper on the host stays in the caller's keyring anyway; the process in the guest has one of its own")),
        new("run", "no-new-keyring", Answer.Yes, Answer.As("the keeper on the host stays in the caller's keyring anyway; the process in the guest has one of its own")),
        new("create", "sandbox", Answer.Not("containers share the host's kernel, and name the namespaces that they share by path"), Answer.YesWhere("the container is put into the machine of one that runs")),
        new("create", "no-pivot", Answer.Yes, Answer.As("for the keeper on the host; the guest always pivots")),
        new("run", "no-pivot", Answer.Yes, Answer.As("for the keeper on the host; the guest always pivots")),
        new("create", "preserve-fds", Answer.Yes, Answer.Not("a descriptor of the host cannot be used by another kernel")),
        new("run", "preserve-fds", Answer.Yes, Answer.Not("a descriptor of the host cannot be used by another kernel")),
        new("exec", "preserve-fds", Answer.Yes, Answer.Not("a descriptor of the host cannot be used by another kernel")),
        new("exec", "process-label", Answer.YesWhere("an error where the host has no SELinux"), Answer.As("the host's SELinux does not reach into another kernel; a warning says so")),
        new("exec", "apparmor", Answer.YesWhere("an error where the host has no AppArmor"), Answer.As("the host's AppArmor does not reach into another kernel; a warning says so")),
        new("exec", "cgroup", Answer.Yes, Answer.Not("cgroups below a container's own are not made in the guest yet")),
        new("update", "kernel-memory", Answer.As("accepted and ignored, as runc does"), Answer.As("accepted and ignored, as runc does")),
        new("update", "kernel-memory-tcp", Answer.As("accepted and ignored, as runc does"), Answer.As("accepted and ignored, as runc does")),
        new("update", "l3-cache-schema", Answer.Not("groups of /sys/fs/resctrl are not managed"), Answer.Not("groups of /sys/fs/resctrl are not managed")),
        new("update", "mem-bw-schema", Answer.Not("groups of /sys/fs/resctrl are not managed"), Answer.Not("groups of /sys/fs/resctrl are not managed")),
        new("update", "cpu-rt-period", Answer.Yes, Answer.Not("the guest has cgroup v2, which gives out no real-time CPU time")),
        new("update", "cpu-rt-runtime", Answer.Yes, Answer.Not("the guest has cgroup v2, which gives out no real-time CPU time")),
        new("checkpoint", "", Answer.YesWhere("an error where the host has no CRIU, or `criu check` fails"), Answer.Not("a machine's state is not saved yet")),
        new("restore", "", Answer.YesWhere("an error where the host has no CRIU, or `criu check` fails"), Answer.Not("a machine's state is not saved yet")),
        new("ps", "", Answer.Yes, Answer.As("the table is of the guest's processes; the JSON list has the pids of their keepers on the host, which engines expect")),
        new("events", "", Answer.Yes, Answer.As("statistics are the guest's cgroup's")),
        new("state", "", Answer.Yes, Answer.As("the pid is the keeper's")),
        new("kill", "", Answer.Yes, Answer.As("the signal is sent in the guest")),
    ];
}
