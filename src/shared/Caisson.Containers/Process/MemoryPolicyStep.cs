using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary><c>linux.memoryPolicy</c>: where the pages of the container's processes come from.</summary>
internal static class MemoryPolicyStep
{
    /// <summary>Once the process is in its cgroup, whose cpuset bounds the nodes.</summary>
    internal static void Apply(LinuxMemoryPolicy? policy)
    {
        if (policy is null)
        {
            return;
        }

        MemoryPolicyFlags flags = MemoryPolicyFlags.None;
        foreach (string name in policy.Flags)
        {
            flags |= FlagOf(name);
        }

        try
        {
            MemoryPolicy.Set(ModeOf(policy.Mode), flags, policy.Nodes ?? "");
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"linux.memoryPolicy: {policy.Mode} of nodes \"{policy.Nodes}\"", cause.Errno);
        }
        catch (FormatException cause)
        {
            throw new ContainerException($"linux.memoryPolicy.nodes: {cause.Message}", Errno.EINVAL, cause);
        }
    }

    private static MemoryPolicyMode ModeOf(string name) => name switch
    {
        "MPOL_DEFAULT" => MemoryPolicyMode.Default,
        "MPOL_PREFERRED" => MemoryPolicyMode.Preferred,
        "MPOL_BIND" => MemoryPolicyMode.Bind,
        "MPOL_INTERLEAVE" => MemoryPolicyMode.Interleave,
        "MPOL_LOCAL" => MemoryPolicyMode.Local,
        "MPOL_PREFERRED_MANY" => MemoryPolicyMode.PreferredMany,
        "MPOL_WEIGHTED_INTERLEAVE" => MemoryPolicyMode.WeightedInterleave,
        _ => throw new ContainerException($"invalid memory policy mode {name}", Errno.EINVAL),
    };

    private static MemoryPolicyFlags FlagOf(string name) => name switch
    {
        "MPOL_F_NUMA_BALANCING" => MemoryPolicyFlags.NumaBalancing,
        "MPOL_F_RELATIVE_NODES" => MemoryPolicyFlags.RelativeNodes,
        "MPOL_F_STATIC_NODES" => MemoryPolicyFlags.StaticNodes,
        _ => throw new ContainerException($"invalid memory policy flag {name}", Errno.EINVAL),
    };
}
