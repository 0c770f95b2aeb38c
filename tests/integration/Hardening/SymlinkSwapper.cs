using System.Runtime.InteropServices;

namespace Caisson.IntegrationTests.Hardening;

/// <summary>
/// The attacker beside a creation: exchanges two names, again and again, as fast as the kernel can (renameat2, RENAME_EXCHANGE). Dispose
/// stops it and puts the first state back.
/// </summary>
internal sealed class SymlinkSwapper : IDisposable
{
    private const int AtWorkingDirectory = -100;    // AT_FDCWD
    private const uint Exchange = 2;                // RENAME_EXCHANGE, linux/fs.h

    private readonly Thread _thread;
    private readonly string _first;
    private readonly string _second;
    private volatile bool _stop;
    private long _swaps;

    internal SymlinkSwapper(string first, string second)
    {
        _first = first;
        _second = second;
        _thread = new Thread(Swap) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>How often the names have changed places.</summary>
    internal long Swaps => Interlocked.Read(ref _swaps);

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
    }

    private void Swap()
    {
        while (!_stop || Swaps % 2 == 1)
        {
            if (renameat2(AtWorkingDirectory, _first, AtWorkingDirectory, _second, Exchange) != 0)
            {
                throw new InvalidOperationException($"renameat2: errno {Marshal.GetLastPInvokeError()}");
            }

            Interlocked.Increment(ref _swaps);
        }
    }

#pragma warning disable SYSLIB1054 // A source-generated import would need unsafe code in the tests.
    [DllImport("libc", SetLastError = true)]
    private static extern int renameat2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);
#pragma warning restore SYSLIB1054
}
