using System.Diagnostics;

namespace Caisson.Harness;

/// <summary>Waiting for a condition, never for a time to pass.</summary>
public static class Deadline
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(5);

    /// <summary>How long anything may take before a test gives up. Far more than ever needed: machines are slow and shared.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("CAISSON_TEST_PATIENCE"), out int seconds) ? seconds : 120);

    /// <summary>Returns when the condition holds, or fails with what was seen instead.</summary>
    /// <param name="what">What is waited for, for the message.</param>
    /// <param name="holds">The condition.</param>
    /// <param name="seen">What is there instead, for the message.</param>
    public static void Wait(string what, Func<bool> holds, Func<string>? seen = null)
    {
        if (!TryWait(holds, Patience))
        {
            throw new HarnessException($"after {Patience.TotalSeconds:0} s still waiting for {what}{(seen is null ? "" : "; seen: " + seen())}");
        }
    }

    /// <summary>Whether the condition held within a time.</summary>
    public static bool TryWait(Func<bool> holds, TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
            {
                return false;
            }

            Thread.Sleep(s_betweenLooks);
        }

        return true;
    }
}

/// <summary>A test cannot go on, and why.</summary>
public sealed class HarnessException(string message) : Exception(message);
