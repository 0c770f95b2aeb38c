using System.Diagnostics;

namespace Caisson.Agent;

/// <summary>Moments at which a test may have the agent die.</summary>
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
/// Dies at the point named by caisson.fault. Only in builds with the property CaissonTestFaults: elsewhere the calls are not compiled,
/// so that no command line can make a shipped agent die.
/// </summary>
internal static class FaultPoint
{
    private static string? s_armed;

    [Conditional("CAISSON_TEST_FAULTS")]
    internal static void Arm(string? point) => s_armed = point;

    /// <summary>Exits here if the test asked for it: PID 1's exit panics the kernel, as a crash of the agent would.</summary>
    [Conditional("CAISSON_TEST_FAULTS")]
    internal static void Hit(string point)
    {
        if (s_armed == point)
        {
            ConsoleLog.Write($"test fault at {point}");
            Environment.FailFast(point);
        }
    }
}
