using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>
/// What this machine offers to tests. A test that needs more is skipped, unless CAISSON_REQUIRE (for instance <c>root,vm</c>) names the
/// need: there its absence is a failure.
/// </summary>
public static class Host
{
    /// <summary>Making containers takes root, and the executable.</summary>
    public static bool CanMakeContainers { get; } = MayTry("root", WhyNoContainers is null);

    /// <summary>Booting machines takes QEMU, virtiofsd and the guest's files too.</summary>
    public static bool CanBootMachines { get; } = CanMakeContainers && MayTry("vm", WhyNoMachines is null);

    /// <summary>Whether the tests that repeat for a long time are wanted.</summary>
    public static bool Soaks { get; } = Environment.GetEnvironmentVariable("CAISSON_SOAK") is "1" or "yes" or "true";

    /// <summary>What is missing for containers, or null.</summary>
    public static string? WhyNoContainers =>
        UserIds.EffectiveUser != 0 ? "containers need root"
        : Executable.TryFind() is null ? "there is no out/caisson (./dev build makes it), and CAISSON_EXECUTABLE_UNDER_TEST names none"
        : !File.Exists("/bin/busybox") ? "/bin/busybox is missing (package busybox-static)"
        : null;

    /// <summary>What is missing for machines, or null.</summary>
    public static string? WhyNoMachines =>
        WhyNoContainers
        ?? (!File.Exists("/usr/bin/qemu-system-x86_64") ? "QEMU is missing (package qemu-system-x86)"
        : !File.Exists(Path.Combine(Executable.GuestAssets, "initrd.img")) ? $"{Executable.GuestAssets} holds no guest (./dev build makes it)"
        : null);

    private static bool MayTry(string need, bool present) =>
        present || (Environment.GetEnvironmentVariable("CAISSON_REQUIRE") ?? "").Split(',', StringSplitOptions.TrimEntries).Contains(need);
}
