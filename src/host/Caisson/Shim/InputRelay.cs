using Caisson.Linux;

namespace Caisson;

/// <summary>
/// Brings a process its standard input from containerd's fifo. The process does not read the fifo itself: it would take the time before
/// the client has opened it for the end.
/// </summary>
internal sealed class InputRelay : IAsyncDisposable
{
    private const int BufferBytes = 16 * 1024;

    private readonly FileFd _fifo;
    private readonly DescriptorStream _to;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _copying;

    /// <param name="fifo">containerd's fifo.</param>
    /// <param name="to">The process's end of a pipe, or its terminal; closed at the end of the input if it is the relay's.</param>
    internal InputRelay(string fifo, DescriptorStream to)
    {
        _fifo = FileCalls.Open(fifo, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK);
        _to = to;
        _copying = Task.Run(CopyAsync);
    }

    /// <summary>The client has closed the input: what it wrote before still arrives.</summary>
    internal void Close() => _closing.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _copying;
        EventLoop.Shared.Forget(_fifo);
        _fifo.Dispose();
        _closing.Dispose();
        _ending.Dispose();
    }

    private async Task CopyAsync()
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            // Before the first writer a fifo reports nothing, and after the last one a hang-up (poll(2)).
            while (await WaitAsync())
            {
                while (_fifo.TryRead(buffer, out int count, out Errno why))
                {
                    if (count == 0)
                    {
                        return;
                    }

                    await _to.WriteAsync(buffer.AsMemory(0, count), _ending.Token);
                }
            }
        }
        catch (Exception cause) when (cause is OperationCanceledException or IOException or SyscallException)
        {
            // The process has closed its input, or has ended.
        }
        finally
        {
            await _to.DisposeAsync();
        }
    }

    // False when nothing more can come: then one more look has been taken.
    private async Task<bool> WaitAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            return false;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, _ending.Token);
        try
        {
            await EventLoop.Shared.Ready(_fifo, PollEvents.In, either.Token);
        }
        catch (OperationCanceledException) when (!_ending.IsCancellationRequested)
        {
            // Closed: the loop reads what is left, and comes back to the test above.
        }

        return true;
    }
}
