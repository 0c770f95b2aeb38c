using System.Diagnostics;

namespace Caisson.Agent;

/// <summary>Moments at which a test may have the agent die or turn hostile.</summary>
internal static class Fault
{
    internal const string AfterMounts = "after-mounts";
    internal const string BeforeServe = "before-serve";
    internal const string InCreate = "in-create";
    internal const string AfterCreate = "after-create";
    internal const string InStart = "in-start";
    internal const string AfterStart = "after-start";
    internal const string InExec = "in-exec";
    internal const string InWait = "in-wait";
    internal const string InRead = "in-read";
    internal const string InRemove = "in-remove";
}

/// <summary>
/// Dies at the point named by caisson.fault, or turns hostile there (POINT:MANNER). Only in builds with the property CaissonTestFaults:
/// elsewhere the calls are not compiled, so that no command line can make a shipped agent do either.
/// </summary>
internal static partial class FaultPoint
{
    private static string? s_armed;
    private static string s_manner = "";

    [Conditional("CAISSON_TEST_FAULTS")]
    internal static void Arm(string? fault)
    {
        string[] words = (fault ?? "").Split(':', 2);
        s_armed = words[0];
        s_manner = words.Length == 2 ? words[1] : "";
    }

    /// <summary>Exits here if the test asked for it: PID 1's exit panics the kernel, as a crash of the agent would.</summary>
    [Conditional("CAISSON_TEST_FAULTS")]
    internal static void Hit(string point)
    {
        if (s_armed != point)
        {
            return;
        }

        ConsoleLog.Write($"test fault at {point}: {s_manner}");
        if (s_manner.Length > 0)
        {
            TurnHostile(s_manner);
        }
        else
        {
            Environment.FailFast(point);
        }
    }

    static partial void TurnHostile(string manner);
}
