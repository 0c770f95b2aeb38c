using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>Reads the options, goes into a mount namespace of its own, measures, and prints.</summary>
internal static class Entry
{
    internal static int Run(string[] words)
    {
        try
        {
            BenchOptions options = BenchOptions.Read(words);
            if (options.WantsHelp)
            {
                Console.Out.Write(BenchOptions.Help);
                return 0;
            }

            return PrivateMounts.IsInside ? Measure(options) : PrivateMounts.RunInside(words);
        }
        catch (BenchException wrong)
        {
            Console.Error.WriteLine($"bench: {wrong.Message}");
            return 1;
        }
    }

    private static int Measure(BenchOptions options)
    {
        PrivateMounts.HideUnifiedCgroup();
        Prctl.SetChildSubreaper(true);    // what a detached container leaves is reaped here
        using var interruption = new Interruption();
        using var place = new BenchPlace();
        var report = new Report();
        Console.Out.WriteLine(Machine.Describe());
        int code = 0;
        foreach (IBenchmark benchmark in Benchmarks.All)
        {
            if (!options.Wants(benchmark))
            {
                continue;
            }

            code |= MeasureAndReap(benchmark, new BenchContext(options, place, report, interruption)) ? 0 : 1;
            if (interruption.Happened)
            {
                break;
            }
        }

        Console.Out.Write(report.Summary());
        if (options.JsonFile is { } file)
        {
            File.WriteAllBytes(file, report.ToJson());
        }

        return interruption.Happened ? Interruption.ExitCode : code;
    }

    private static bool MeasureAndReap(IBenchmark benchmark, BenchContext context)
    {
        bool measured = Measure(benchmark, context);
        Orphans.ReapAll();
        return measured;
    }

    // A benchmark that cannot run is a failure; a target that is not met is a line in the summary.
    private static bool Measure(IBenchmark benchmark, BenchContext context)
    {
        Console.Out.WriteLine($"\n== {benchmark.Name}: {benchmark.Title}");
        try
        {
            benchmark.Run(context);
            return true;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("bench: interrupted");
            return true;
        }
        catch (Exception cause) when (cause is BenchException or IOException or SyscallException or UnauthorizedAccessException or Hypervisors.HypervisorException
            or Harness.HarnessException or IntegrationTests.Cri.CriException)
        {
            context.Report.Failed(benchmark.Name, cause.Message);
            Console.Out.WriteLine($"   could not be measured: {cause.Message}");
            return false;
        }
    }
}
