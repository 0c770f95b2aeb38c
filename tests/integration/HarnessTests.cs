using System.Diagnostics;
using Caisson.Harness;

namespace Caisson.IntegrationTests;

/// <summary>What the judgement of all other tests rests on.</summary>
public sealed class HarnessTests
{
    [Fact]
    public void A_process_that_was_there_before_is_no_leak_whatever_it_does_meanwhile()
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", "read line; exec sleep 1000"]) { RedirectStandardInput = true })!;
        try
        {
            LeakCheck check = LeakCheck.Begin(["nothing is called so"], []);

            process.StandardInput.WriteLine();
            Deadline.Wait("the process to be another program", () => ProcessTable.CommandLine(process.Id) == "sleep 1000");

            check.RequireNothingLeft();
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }
}
