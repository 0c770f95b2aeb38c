namespace Caisson.Bench;

internal static class Benchmarks
{
    internal static IReadOnlyList<IBenchmark> All { get; } =
    [
        new NamespacesRun(),
        new MachineRun(),
        new MachineExec(),
        new Memory(),
        new Steps(),
        new Many(),
        new ContainerdRun(),
        new ShimMemory(),
        new PodSteps(),
        new NetworkTraffic(),
    ];
}
