using System.Diagnostics;
using System.Globalization;

namespace Caisson.Fuzz;

/// <summary>Runs one worker after the other, and ends those that hang.</summary>
internal sealed class Driver(FuzzOptions options)
{
    // One input takes microseconds; a machine that is this slow would be noticed elsewhere.
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(200);

    // For a worker altogether, its runtime included: blow-ups end as OutOfMemoryException in the worker, not of the machine.
    private const string HeapLimit = "0x30000000";

    private const int FindingCode = 1;

    /// <returns>How many targets had a finding.</returns>
    internal int Run(IReadOnlyList<IFuzzTarget> targets)
    {
        string program = Path.Combine(Instrumenter.Prepare(options.Place), "Caisson.Fuzz.dll");
        int failed = 0;
        foreach (IFuzzTarget target in targets)
        {
            failed += RunOne(program, target, options.Time / targets.Count) ? 0 : 1;
        }

        Console.WriteLine(failed == 0
            ? $"{targets.Count} targets, nothing found (seed {options.Seed})"
            : $"{failed} of {targets.Count} targets with a finding (seed {options.Seed})");
        return failed;
    }

    private bool RunOne(string program, IFuzzTarget target, TimeSpan time)
    {
        string state = Path.Combine(options.Place, $"current-{Environment.ProcessId}-{target.Name}");
        using var current = new CurrentInput(state);
        try
        {
            using Process worker = Start(program, target, time, state);
            bool hung = !Watch(worker, current);
            if (worker.ExitCode is 0 or FindingCode && !hung)
            {
                return worker.ExitCode == 0;
            }

            byte[] input = current.Read();
            string why = hung ? $"one input took more than {s_hang.TotalSeconds:0} s" : $"the process died with code {worker.ExitCode}";
            string file = Findings.Save(options.Place, target.Name, input, why);
            Console.WriteLine(Findings.Report(target.Name, file, input, why));
            return false;
        }
        finally
        {
            File.Delete(state);
        }
    }

    private Process Start(string program, IFuzzTarget target, TimeSpan time, string state)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        string[] arguments =
        [
            .. Path.GetFileName(Environment.ProcessPath) == "dotnet" ? new[] { "exec", program } : [],
            "worker", state, "--target", target.Name, "--seed", Text(options.Seed), "--out", options.Place, "--seconds", Text(time.TotalSeconds),
            "--executions", Text(options.Executions),
        ];
        if (arguments[0] != "exec")
        {
            start.FileName = Path.ChangeExtension(program, null);
        }

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit;
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start) ?? throw new InvalidOperationException("no worker was started");
    }

    // False when it hung and was killed.
    private static bool Watch(Process worker, CurrentInput current)
    {
        long seen = -1;
        long since = Stopwatch.GetTimestamp();
        while (!worker.WaitForExit(s_betweenLooks))
        {
            long count = current.Count;
            if (count != seen)
            {
                (seen, since) = (count, Stopwatch.GetTimestamp());
            }
            else if (Stopwatch.GetElapsedTime(since) > s_hang)
            {
                worker.Kill();
                worker.WaitForExit();
                return false;
            }
        }

        return true;
    }

    private static string Text(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
}
