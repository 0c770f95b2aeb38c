using System.Diagnostics;

namespace Caisson.Fuzz;

/// <summary>One input against one target, and what was wrong with it.</summary>
internal static class Execution
{
    // What one input may allocate: far above what any sound one needs, far below what hurts a daemon.
    private const long MaxBytesEach = 96L << 20;
    private const long MaxBytesPerByte = 4096;

    // Of the processor, not of the clock: the machine may be busy with other things.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);

    /// <returns>Null if the target kept its promises.</returns>
    internal static string? Try(IFuzzTarget target, byte[] input)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long began = Stopwatch.GetTimestamp();
        Environment.ProcessCpuUsage cpu = Environment.CpuUsage;
        try
        {
            target.Run(input);
        }
        catch (Exception finding)
        {
            return finding.ToString();
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (allocated > MaxBytesEach + (input.Length * MaxBytesPerByte))
        {
            return $"{input.Length} bytes of input made it allocate {allocated} bytes";
        }

        TimeSpan took = Stopwatch.GetElapsedTime(began) > s_longest ? Environment.CpuUsage.TotalTime - cpu.TotalTime : TimeSpan.Zero;
        return took > s_longest ? $"{input.Length} bytes of input took {took.TotalSeconds:0.0} s of processor time" : null;
    }

    /// <summary>Takes away what the finding does not need.</summary>
    internal static byte[] Shrink(IFuzzTarget target, byte[] input)
    {
        string kind = Kind(Try(target, input));
        int tries = 400;
        for (int piece = Math.Max(1, input.Length / 2); piece >= 1 && tries > 0; piece /= 2)
        {
            for (int at = 0; at < input.Length && tries > 0; tries--)
            {
                byte[] shorter = [.. input[..at], .. input[Math.Min(at + piece, input.Length)..]];
                if (Kind(Try(target, shorter)) == kind)
                {
                    input = shorter;
                }
                else
                {
                    at += piece;
                }
            }
        }

        return input;
    }

    // The type, and where it was thrown: shrinking must not wander off to another finding.
    private static string Kind(string? finding)
    {
        string[] lines = (finding ?? "").Split('\n');
        return lines[0].Split(':')[0] + string.Concat(lines.Where(static line => line.StartsWith("   at ", StringComparison.Ordinal)).Take(2));
    }
}
