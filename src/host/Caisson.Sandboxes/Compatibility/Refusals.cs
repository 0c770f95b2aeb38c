using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What each isolation refuses of a configuration. docs/compatibility.md is written from the same list, so what it calls refused is
/// refused, in these words. What only the host can tell (a controller that is not mounted, a security module that is off) is said
/// by whoever meets it.
/// </summary>
internal static partial class Refusals
{
    private const string UseNamespaces = "use --isolation namespaces, or leave it out";

    /// <summary>Of containers made of the host's namespaces.</summary>
    internal static readonly Refusal[] Namespaces =
    [
        new("vm", "a container of the host's namespaces has no virtual machine; use --isolation vm, or leave it out",
            static spec => spec.VM is null ? null : "vm"),
        IntelRdt("linux.intelRdt", "groups of /sys/fs/resctrl are not managed"),
        PersonalityFlags,
        KernelMemory,
    ];

    private static Refusal PersonalityFlags => new(
        "linux.personality.flags", "the specification defines no flag of a personality",
        static spec => spec.Linux?.Personality is { Flags.Count: > 0 } persona ? $"linux.personality.flags: {persona.Flags[0]}" : null);

    // Removed from the kernel with Linux 5.11 (cgroup v2 never had it). Engines write 0 and -1 for "no limit".
    private static Refusal KernelMemory => new(
        "linux.resources.memory.kernel", "the kernel has no limit of its own memory any more; memory.limit counts it",
        static spec => spec.Linux?.Resources?.Memory?.Kernel is > 0 and { } bytes ? $"linux.resources.memory.kernel: {bytes}" : null);

    /// <summary>Refuses what the isolation cannot honour.</summary>
    /// <exception cref="SandboxException">Names the field, says why and what helps.</exception>
    internal static void Require(Isolation isolation, OciSpec spec)
    {
        foreach (Refusal refusal in Of(isolation))
        {
            if (refusal.Find(spec) is { } place)
            {
                throw new SandboxException($"{SpecReader.ConfigFileName}: {place}: isolation {IsolationName.Of(isolation)}: {refusal.Why}");
            }
        }
    }

    /// <summary>As <see cref="Require(Isolation, OciSpec)"/>, of a process that exec starts.</summary>
    internal static void Require(Isolation isolation, OciProcess process) => Require(isolation, new OciSpec { Process = process });

    /// <summary>As <see cref="Require(Isolation, OciSpec)"/>, of limits that update sets.</summary>
    internal static void Require(Isolation isolation, LinuxResources resources) =>
        Require(isolation, new OciSpec { Linux = new OciLinux { Resources = resources } });

    internal static Refusal[] Of(Isolation isolation) => isolation == Isolation.Vm ? Vm : Namespaces;

    private static Refusal IntelRdt(string field, string why) =>
        new(field, why + "; leave it out", static spec => spec.Linux?.IntelRdt is null ? null : "linux.intelRdt");
}
