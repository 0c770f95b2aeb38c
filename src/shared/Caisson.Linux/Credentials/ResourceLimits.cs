#pragma warning disable CS1591 // The kernel's names document themselves: getrlimit(2).
using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>A limited resource (include/uapi/asm-generic/resource.h).</summary>
public enum ResourceLimit
{
    RLIMIT_CPU = 0,
    RLIMIT_FSIZE = 1,
    RLIMIT_DATA = 2,
    RLIMIT_STACK = 3,
    RLIMIT_CORE = 4,
    RLIMIT_RSS = 5,
    RLIMIT_NPROC = 6,
    RLIMIT_NOFILE = 7,
    RLIMIT_MEMLOCK = 8,
    RLIMIT_AS = 9,
    RLIMIT_LOCKS = 10,
    RLIMIT_SIGPENDING = 11,
    RLIMIT_MSGQUEUE = 12,
    RLIMIT_NICE = 13,
    RLIMIT_RTPRIO = 14,
    RLIMIT_RTTIME = 15,
}

/// <summary>struct rlimit64: a soft and a hard limit.</summary>
/// <param name="Soft">What is enforced.</param>
/// <param name="Hard">What the soft limit can be raised to.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ResourceLimitPair(ulong Soft, ulong Hard)
{
    /// <summary>RLIM_INFINITY.</summary>
    public const ulong Unlimited = ulong.MaxValue;
}

/// <summary>prlimit(2).</summary>
public static class ResourceLimits
{
    /// <summary>Reads a name such as <c>RLIMIT_NOFILE</c>.</summary>
    public static bool TryParse(string name, out ResourceLimit resource)
    {
        resource = default;
        return name.StartsWith("RLIMIT_", StringComparison.Ordinal) && !name.Contains(',')
            && Enum.TryParse(name, out resource) && Enum.IsDefined(resource);
    }

    /// <summary>The limits of a process; pid 0 is this one.</summary>
    public static ResourceLimitPair Get(int pid, ResourceLimit resource)
    {
        Libc.Check(Libc.prlimit_get(302, pid, (int)resource, 0, out ResourceLimitPair limits), $"prlimit({resource})");
        return limits;
    }

    /// <summary>Sets the limits of a process; pid 0 is this one.</summary>
    /// <exception cref="SyscallException">EPERM: raising a hard limit without CAP_SYS_RESOURCE.</exception>
    public static void Set(int pid, ResourceLimit resource, ResourceLimitPair limits) =>
        Libc.Check(Libc.prlimit_set(302, pid, (int)resource, in limits, 0), $"prlimit({resource}, {limits.Soft}, {limits.Hard})");
}
