namespace Caisson.Agent;

/// <summary>
/// A thread that does one piece of work after the other, whoever's they are. Making one takes 3 ms under emulation: whoever makes it
/// yields, hundreds of times, until it runs.
/// </summary>
internal sealed class BlockingThread
{
    // Own limit: as many as wait at the same time in ordinary use; each has its stack.
    private const int MaxIdle = 2;

    private static readonly Lock s_lock = new();
    private static readonly Stack<BlockingThread> s_idle = [];    // under s_lock

    private readonly object _signal = new();
    private Action? _work;    // under _signal

    /// <summary>Does it on an idle thread, or on a new one.</summary>
    internal static void Run(Action work)
    {
        BlockingThread? idle;
        lock (s_lock)
        {
            s_idle.TryPop(out idle);
        }

        if (idle is null)
        {
            var fresh = new BlockingThread();
            new Thread(() => fresh.Serve(work)) { IsBackground = true, Name = "blocking" }.Start();
        }
        else
        {
            idle.Give(work);
        }
    }

    private void Give(Action work)
    {
        lock (_signal)
        {
            _work = work;
            Monitor.Pulse(_signal);
        }
    }

    private void Serve(Action work)
    {
        Action? next = work;
        while (next is not null)
        {
            next();
            next = TryRest() ? Await() : null;
        }
    }

    private bool TryRest()
    {
        lock (s_lock)
        {
            if (s_idle.Count >= MaxIdle)
            {
                return false;
            }

            s_idle.Push(this);
            return true;
        }
    }

    private Action Await()
    {
        lock (_signal)
        {
            while (_work is null)
            {
                Monitor.Wait(_signal);
            }

            Action given = _work;
            _work = null;
            return given;
        }
    }
}
