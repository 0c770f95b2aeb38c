namespace Caisson.Bench;

/// <summary>A whole life of a container that ends at once, by the host kernel's namespaces.</summary>
internal sealed class NamespacesRun : IBenchmark
{
    // No ordinary failure of a runtime has this code: it is the workload's.
    private const int WorkloadCode = 7;

    // From the issue that asks for the foundation, "Speed and memory".
    private const double AtMostOfCrun = 0.8;
    private const double AtMostOfRunc = 0.5;

    public string Name => "run";

    public string Title => "caisson --isolation namespaces run, against crun and runc, on one busybox bundle";

    public void Run(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "run", "/bin/sh", "-c", $"exit {WorkloadCode}");
        string crun = BenchPlace.Peer("crun");
        string runc = BenchPlace.Peer("runc");
        Func<TimeSpan> Once(string program, params string[] before) => () =>
            new ChildCommand(program, [.. before, "run", "--bundle", bundle.Path, context.Place.NewId("run")]).Time(WorkloadCode);

        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context,
            context.Options.Rounds,
            ("caisson", Once(context.Place.Caisson, "--isolation", "namespaces")),
            ("crun", Once(crun)),
            ("runc", Once(runc)));

        double own = samples["caisson"].Median;
        double ofCrun = own / samples["crun"].Median;
        double ofRunc = own / samples["runc"].Median;
        context.Report.Add(Name, samples["caisson"], $"{ofCrun:0.00} of crun's, {ofRunc:0.00} of runc's");
        context.Report.Add(Name, samples["crun"]);
        context.Report.Add(Name, samples["runc"]);
        context.Report.Judge("namespaces run of true, against crun", ofCrun, AtMostOfCrun);
        context.Report.Judge("namespaces run of true, against runc", ofRunc, AtMostOfRunc);
    }
}
