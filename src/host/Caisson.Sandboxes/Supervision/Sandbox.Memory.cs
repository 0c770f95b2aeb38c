namespace Caisson.Sandboxes;

/// <content>Lack of memory in the guest. Its kernel's count is the truth; the guest's events say when to look at it.</content>
internal sealed partial class Sandbox
{
    // The count tells of all that happened meanwhile; a guest that sends events for ever gets no more of the host than this.
    private static readonly TimeSpan s_betweenEvents = TimeSpan.FromMilliseconds(50);

    // Runs as long as the machine does.
    private async Task WatchMemoryAsync()
    {
        try
        {
            while (true)
            {
                string containerId = await Guest.NextOomAsync(_lettingGo.Token);
                if (Containers().Find(container => container.Id == containerId) is { } container)
                {
                    await CountOomsAsync(container);
                }

                await Task.Delay(s_betweenEvents, _lettingGo.Token);
            }
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // The guest is gone, or this supervisor lets go. An agent that refuses the call tells nothing.
        }
    }

    // Also asked for at the end of a container: the event and the end it causes come by ways of their own.
    private async Task CountOomsAsync(SandboxContainer container)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_lettingGo.Token);
        patience.CancelAfter(s_guestPatience);
        try
        {
            container.Ooms.Learn(await Guest.CountOomsAsync(container.Id, patience.Token));
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // What is known is reported; the loss of a guest is told by its container's end.
        }
    }
}
