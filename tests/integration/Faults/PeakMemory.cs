using System.Globalization;

namespace Caisson.IntegrationTests.Faults;

/// <summary>The largest resident size of a process, looked at until it is gone.</summary>
internal sealed class PeakMemory : IDisposable
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(100);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _looking;
    private long _peak;

    internal PeakMemory(int pid)
    {
        _looking = new Thread(() => Look($"/proc/{pid}/status")) { IsBackground = true, Name = "peak memory" };
        _looking.Start();
    }

    internal long Kibibytes() => Interlocked.Read(ref _peak);

    public void Dispose()
    {
        _stop.Cancel();
        _looking.Join();
        _stop.Dispose();
    }

    private void Look(string path)
    {
        do
        {
            // proc(5): "VmHWM:     1234 kB", without it for a zombie.
            foreach (string line in Caisson.Linux.SmallFile.TryReadText(path, out string text, out _) ? text.Split('\n') : [])
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                {
                    Interlocked.Exchange(ref _peak, long.Parse(line.AsSpan(6).TrimEnd("kB ").Trim(), CultureInfo.InvariantCulture));
                }
            }
        }
        while (!_stop.Token.WaitHandle.WaitOne(s_betweenLooks));
    }
}
