namespace Caisson.GuestImage;

/// <summary>What a guest image is made of.</summary>
public sealed record GuestImageOptions
{
    // From measurements under software emulation: crypto self tests cost 0.2 s, patching of SMP alternatives 0.1 s,
    // without no_timer_check the emulated timer makes the kernel wait, and unhurried RCU grace periods make each container wait for 0.1 s. None of them is specific to a host.
    public const string DefaultKernelCommandLine = "quiet cryptomgr.notests noreplace-smp no_timer_check rcupdate.rcu_expedited=1";

    /// <summary>A bzImage or an ELF vmlinux, or the root of an unpacked kernel package (boot/vmlinuz-*, lib/modules/*).</summary>
    public required string KernelImage { get; init; }

    /// <summary>The directory of one kernel's modules (lib/modules/RELEASE). Null: found beside <see cref="KernelImage"/> in an unpacked package.</summary>
    public string? ModulesDirectory { get; init; }

    /// <summary>The static caisson-agent, which becomes /init.</summary>
    public required string AgentPath { get; init; }

    /// <summary>Where vmlinux, initrd.img and guest.json are written; created when missing.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>The parameters that every guest gets; recorded in guest.json.</summary>
    public string KernelCommandLineDefaults { get; init; } = DefaultKernelCommandLine;

    /// <summary>
    /// Leave the modules' signatures in place. Without them a boot has less to check: nobody can change a module in the initrd who could
    /// not change the agent beside it. Always kept for a kernel whose configuration has CONFIG_MODULE_SIG_FORCE.
    /// </summary>
    public bool KeepSignatures { get; init; }

    /// <summary>Build even when the outputs are already made from the same inputs.</summary>
    public bool Force { get; init; }
}
