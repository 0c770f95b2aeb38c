using Caisson.IntegrationTests.Containerd;

namespace Caisson.Bench;

/// <summary>A whole life of a container that ends at once, under containerd.</summary>
internal sealed class ContainerdRun : IBenchmark
{
    // From the issue that asks for pods under containerd, "Speed".
    private const double AtMostOfRunc = 1.0;

    // No ordinary failure of ctr or a runtime has this code: it is the workload's.
    private const int WorkloadCode = 7;

    public string Name => "ctr";

    public string Title => "ctr run --rm of a workload that ends at once, with namespaces, against containerd's runc shim";

    public bool IsLong => true;

    public void Run(BenchContext context) => BenchContainerd.Use(context, containerd =>
    {
        Func<TimeSpan> Once(string runtime) => () =>
            containerd.Ctr("run", "--rm", "--runtime", runtime, ContainerdDaemon.Image, containerd.NewId("ctr"), "/bin/sh", "-c", $"exit {WorkloadCode}").Time(WorkloadCode);

        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context,
            context.Options.Rounds,
            ("caisson", Once(ContainerdDaemon.RuntimeOf(Harness.Isolation.Namespaces))),
            ("runc", Once(ContainerdDaemon.RuncRuntime)));

        double ofRunc = samples["caisson"].Median / samples["runc"].Median;
        context.Report.Add(Name, samples["caisson"], $"{ofRunc:0.00} of the runc shim's");
        context.Report.Add(Name, samples["runc"]);
        context.Report.Judge("ctr run of true in namespaces, against the runc shim", ofRunc, AtMostOfRunc);
    });
}
