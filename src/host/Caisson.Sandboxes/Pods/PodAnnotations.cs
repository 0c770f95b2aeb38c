using System.Globalization;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>What the engines above containerd and CRI-O write into a configuration about the pod that a container belongs to.</summary>
public static class PodAnnotations
{
    // The value of both is "sandbox" for the container that the pod's sandbox is made with, and "container" for the others.
    private static readonly string[] s_types = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];

    private const string CpuQuota = "io.kubernetes.cri.sandbox-cpu-quota";
    private const string CpuPeriod = "io.kubernetes.cri.sandbox-cpu-period";
    private const string CpuShares = "io.kubernetes.cri.sandbox-cpu-shares";
    private const string Memory = "io.kubernetes.cri.sandbox-memory";

    /// <summary>Whether a pod's sandbox is made with this container: it stays until this container is deleted.</summary>
    public static bool IsSandbox(IReadOnlyDictionary<string, string> annotations) => TypeOf(annotations) == "sandbox";

    /// <summary>Whether this container belongs into the sandbox of another.</summary>
    public static bool IsFurther(IReadOnlyDictionary<string, string> annotations) => TypeOf(annotations) == "container";

    /// <summary>Writes what the CRI plugin writes into the configuration of a pause container.</summary>
    /// <param name="annotations">The annotations of the container that the sandbox is made with.</param>
    /// <param name="sandbox">The sandbox's id, which is that container's.</param>
    /// <param name="size">The pod's resources, as far as they are limited.</param>
    internal static void Describe(Dictionary<string, string> annotations, string sandbox, PodSize size)
    {
        annotations[s_types[0]] = "sandbox";
        annotations[Annotations.Sandbox[0]] = sandbox;
        Add(CpuQuota, size.CpuQuota);
        Add(CpuPeriod, size.CpuPeriod);
        Add(CpuShares, size.CpuShares);
        Add(Memory, size.MemoryBytes);

        void Add(string name, long value)
        {
            if (value > 0)
            {
                annotations[name] = value.ToString(CultureInfo.InvariantCulture);
            }
        }
    }

    /// <summary>
    /// What a container's machine is made for and its cgroup on the host is limited to: the pod's resources where the engine says what they
    /// are, because further containers come later; else the container's own.
    /// </summary>
    /// <exception cref="SandboxException">An annotation that is no number.</exception>
    internal static LinuxResources? MachineResources(OciSpec spec)
    {
        LinuxResources? own = spec.Linux?.Resources;
        if (!IsSandbox(spec.Annotations))
        {
            return own;
        }

        long quota = Number(spec, CpuQuota);
        long period = Number(spec, CpuPeriod);
        long shares = Number(spec, CpuShares);
        long memory = Number(spec, Memory);
        LinuxResources resources = own ?? new LinuxResources();
        LinuxCpu cpu = resources.Cpu ?? new LinuxCpu();
        return resources with
        {
            Cpu = cpu with
            {
                Quota = quota > 0 ? quota : cpu.Quota,
                Period = quota > 0 && period > 0 ? (ulong)period : cpu.Period,
                Shares = shares > 0 ? (ulong)shares : cpu.Shares,
            },
            Memory = memory > 0 ? (resources.Memory ?? new LinuxMemory()) with { Limit = memory } : resources.Memory,
        };
    }

    private static string? TypeOf(IReadOnlyDictionary<string, string> annotations)
    {
        ArgumentNullException.ThrowIfNull(annotations);
        foreach (string name in s_types)
        {
            if (annotations.TryGetValue(name, out string? type))
            {
                return type;
            }
        }

        return null;
    }

    // 0 and -1 are how engines write that there is no limit.
    private static long Number(OciSpec spec, string name) =>
        !spec.Annotations.TryGetValue(name, out string? text) || text.Length == 0 ? 0
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number
            : throw new SandboxException($"{SpecReader.ConfigFileName}: annotations: {name}: \"{text}\" is not a number");
}

/// <summary>The resources of a pod; 0 is no limit.</summary>
internal readonly record struct PodSize(long CpuQuota, long CpuPeriod, long CpuShares, long MemoryBytes);
