namespace Caisson;

/// <summary>Counts calls that are being served, for those who must not go on before them.</summary>
internal sealed class CallsUnderWay
{
    private readonly Lock _lock = new();
    private int _count;                         // under _lock
    private TaskCompletionSource? _ended;       // under _lock

    /// <summary>A call begins; it ends when what is returned is disposed of, once.</summary>
    internal IDisposable Begin()
    {
        lock (_lock)
        {
            _count++;
            _ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return new Call(this);
    }

    /// <summary>Completes once no call is under way.</summary>
    internal Task Ended()
    {
        lock (_lock)
        {
            return _ended?.Task ?? Task.CompletedTask;
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_count == 0)
            {
                _ended!.SetResult();
                _ended = null;
            }
        }
    }

    private sealed class Call(CallsUnderWay calls) : IDisposable
    {
        public void Dispose() => calls.End();
    }
}
