namespace Caisson.Sandboxes;

/// <summary>How many processes of a container were killed for lack of memory, and those who wait for more. Safe for several tasks.</summary>
internal sealed class OomCount
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = New();      // under _lock
    private ulong _count;                               // under _lock
    private int _watchers;                              // under _lock
    private bool _closed;                               // under _lock

    internal ulong Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>Whether somebody waits.</summary>
    internal bool IsWatched
    {
        get
        {
            lock (_lock)
            {
                return _watchers > 0;
            }
        }
    }

    /// <summary>The guest's count; a smaller one than known is an older one.</summary>
    internal void Learn(ulong count)
    {
        lock (_lock)
        {
            if (count > _count)
            {
                _count = count;
                _changed.TrySetResult();
                _changed = New();
            }
        }
    }

    /// <summary>The container has ended: there will be no more.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _changed.TrySetResult();
        }
    }

    /// <summary>Waits for more than are known, or for the end.</summary>
    /// <returns>The count.</returns>
    internal async Task<ulong> AfterAsync(ulong known, CancellationToken cancellationToken)
    {
        Enter(+1);
        try
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    if (_count > known || _closed)
                    {
                        return _count;
                    }

                    changed = _changed.Task;
                }

                await changed.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Enter(-1);
        }
    }

    private void Enter(int difference)
    {
        lock (_lock)
        {
            _watchers += difference;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
