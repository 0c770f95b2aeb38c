using Caisson.Tests;

namespace Caisson.Fuzz;

/// <summary>A specification with every field, and the words that specifications are made of.</summary>
internal static class SpecSeeds
{
    internal static byte[] Rich => RichSpec.Bytes;

    internal static string[] Words { get; } =
    [
        "pid", "mount", "network", "user", "cgroup", "time", "ipc", "uts", "bind", "rbind", "ro", "idmap", "tmpcopyup", "mode=1777", "size=", "proc", "sysfs",
        "tmpfs", "cgroup2", "shared", "rslave", "CAP_SYS_ADMIN", "CAP_ALL", "RLIMIT_NOFILE", "/", "/proc", "/proc/self/fd/7", "..", "rwm", "a", "c", "b", "u",
        "SCHED_DEADLINE", "IOPRIO_CLASS_RT", "LINUX32", "net.ipv4.ip_forward", "kernel.shmmax", "max", "0-3,7", "0", "0-4294967295", "2MB", "memory.high", "2.0.0", "1.2.0",
        "containerID", "hostID", "size", "type", "path", "limit", "options", "destination", "source", "linux", "process", "args", "env", "seccomp", "names", "boottime",
    ];
}
