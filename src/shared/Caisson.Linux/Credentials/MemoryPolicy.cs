namespace Caisson.Linux;

/// <summary>A mode of NUMA memory policy (include/uapi/linux/mempolicy.h).</summary>
public enum MemoryPolicyMode
{
    /// <summary>MPOL_DEFAULT.</summary>
    Default = 0,

    /// <summary>MPOL_PREFERRED.</summary>
    Preferred = 1,

    /// <summary>MPOL_BIND.</summary>
    Bind = 2,

    /// <summary>MPOL_INTERLEAVE.</summary>
    Interleave = 3,

    /// <summary>MPOL_LOCAL.</summary>
    Local = 4,

    /// <summary>MPOL_PREFERRED_MANY, since Linux 5.15.</summary>
    PreferredMany = 5,

    /// <summary>MPOL_WEIGHTED_INTERLEAVE, since Linux 6.9.</summary>
    WeightedInterleave = 6,
}

/// <summary>Flags of a mode.</summary>
[Flags]
public enum MemoryPolicyFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>MPOL_F_NUMA_BALANCING.</summary>
    NumaBalancing = 1 << 13,

    /// <summary>MPOL_F_RELATIVE_NODES.</summary>
    RelativeNodes = 1 << 14,

    /// <summary>MPOL_F_STATIC_NODES.</summary>
    StaticNodes = 1 << 15,
}

/// <summary>NUMA memory policy of the calling thread, which its children and the program it executes inherit (set_mempolicy(2)).</summary>
public static class MemoryPolicy
{
    private const long SYS_set_mempolicy = 238;

    /// <summary>Sets it.</summary>
    /// <param name="mode">The mode.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="nodes">The nodes, as a list such as <c>0-3,7</c>; empty for modes that take none.</param>
    /// <exception cref="FormatException">Not a list of numbers.</exception>
    /// <exception cref="SyscallException">EINVAL: no such node, none that the cpuset allows, or a mode that the kernel does not know.</exception>
    public static void Set(MemoryPolicyMode mode, MemoryPolicyFlags flags, string nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        byte[] mask = nodes.Length == 0 ? [] : Scheduling.ParseProcessors(nodes);

        // The kernel reads one bit less than it is told (get_nodes in mm/mempolicy.c).
        nuint bits = mask.Length == 0 ? 0 : ((nuint)mask.Length * 8) + 1;
        Libc.Check(Libc.set_mempolicy(SYS_set_mempolicy, (int)mode | (int)flags, mask, bits), $"set_mempolicy({mode}, {nodes})");
    }
}
