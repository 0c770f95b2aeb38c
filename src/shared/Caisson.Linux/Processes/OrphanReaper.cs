using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Caisson.Linux;

/// <summary>
/// Reaps what PID 1 or a subreaper inherits, and nothing that an owner waits for. Owners are those who hold a process's pidfd: they register it here.
/// While a process is being started its pid is not known yet, so nothing is reaped then; it is made up for at the launch's end.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as its process.")]
public sealed class OrphanReaper
{
    private readonly ConcurrentDictionary<int, byte> _owned = new();
    private readonly ManualResetEventSlim _changed = new();
    private int _launching;
    private int _launches;

    /// <summary>
    /// Begins to reap, on a thread that waits in waitid(2). Not by SIGCHLD: whoever registers for it in a .NET process with pid 1 makes
    /// the runtime reap every child.
    /// </summary>
    public void Start() => new Thread(Run) { IsBackground = true, Name = "reaper" }.Start();

    /// <summary>A launch begins: children may come and go whose owner is the launcher, until the result is disposed of.</summary>
    public Launch BeginLaunch()
    {
        Interlocked.Increment(ref _launches);
        Interlocked.Increment(ref _launching);
        return new Launch(this);
    }

    /// <summary>The owner has reaped its child.</summary>
    public void Forget(int pid)
    {
        _owned.TryRemove(pid, out _);
        _changed.Set();    // it may have hidden another one
    }

    private void Run()
    {
        while (true)
        {
            // In this order: what changes after the reset wakes us below.
            _changed.Reset();
            int launches = Volatile.Read(ref _launches);
            bool isOrphan = ProcessWait.TryPeekAny(out int pid, wait: true)
                && Volatile.Read(ref _launching) == 0
                && Volatile.Read(ref _launches) == launches
                && !_owned.ContainsKey(pid);
            if (isOrphan)
            {
                Reap(pid);
            }
            else
            {
                _changed.Wait();
            }
        }
    }

    private static void Reap(int pid)
    {
        try
        {
            _ = ProcessWait.TryWait(pid, out _);
        }
        catch (SyscallException gone) when (gone.Errno == Errno.ECHILD)
        {
            // A launch that ended this moment was quicker.
        }
    }

    private void EndLaunch()
    {
        Interlocked.Decrement(ref _launching);
        _changed.Set();
    }

    /// <summary>A launch under way. Unless it is kept, the child that it named is the library's to undo.</summary>
    public sealed class Launch : IDisposable
    {
        private readonly OrphanReaper _reaper;
        private int _pid;

        internal Launch(OrphanReaper reaper) => _reaper = reaper;

        /// <summary>This child has an owner.</summary>
        public void Own(int pid)
        {
            _pid = pid;
            _reaper._owned[pid] = 0;
        }

        /// <summary>The child lives on: its owner calls <see cref="Forget"/>.</summary>
        public void Keep() => _pid = 0;

        /// <summary>The launch has ended.</summary>
        public void Dispose()
        {
            if (_pid != 0)
            {
                _reaper._owned.TryRemove(_pid, out _);
            }

            _reaper.EndLaunch();
        }
    }
}
