namespace Caisson.Sandboxes;

/// <content>Waiting for a change that another call makes, such as a container that is resumed.</content>
internal sealed partial class Sandbox
{
    private TaskCompletionSource _changed = NewChange();     // under _lock; completed and replaced at each change

    private async Task UntilAsync(Func<bool> holds, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task change;
            lock (_lock)
            {
                if (holds())
                {
                    return;
                }

                change = _changed.Task;
            }

            await change.WaitAsync(cancellationToken);
        }
    }

    // Under _lock.
    private void TellWaiters()
    {
        TaskCompletionSource changed = _changed;
        _changed = NewChange();
        changed.SetResult();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
