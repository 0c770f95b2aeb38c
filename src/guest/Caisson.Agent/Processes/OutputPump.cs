using System.Buffers;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>
/// Moves what a process writes from its pipe or terminal into a buffer. It reads only while the buffer has room. When the process has
/// ended, what is left is taken, and that is the end, even if some other process still holds the pipe.
/// </summary>
internal sealed class OutputPump
{
    private const int ReadBytes = 16 * 1024;

    // The largest pipe that a process without privilege can make (fs.pipe-max-size). What a survivor writes after its parent's end
    // is not the parent's output, and must not keep its end from being reported for ever.
    private const int MaxLeftBytes = 1024 * 1024;

    private readonly FileDescriptor _source;
    private readonly OutputBuffer _buffer;
    private readonly CancellationToken _processEnded;

    private OutputPump(FileDescriptor source, OutputBuffer buffer, CancellationToken processEnded)
    {
        _source = source;
        _buffer = buffer;
        _processEnded = processEnded;
    }

    /// <summary>Runs until the end of the stream.</summary>
    /// <param name="source">The pipe's reading end or the terminal's master, non-blocking; stays the caller's.</param>
    /// <param name="buffer">Where the bytes go; finished at the end.</param>
    /// <param name="processEnded">Cancelled when the process has been reaped.</param>
    /// <param name="abandoned">Cancelled when nobody will read the buffer any more.</param>
    internal static async Task RunAsync(FileDescriptor source, OutputBuffer buffer, CancellationToken processEnded, CancellationToken abandoned)
    {
        var pump = new OutputPump(source, buffer, processEnded);
        try
        {
            await pump.PumpAsync(abandoned);
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            // The container is being removed.
        }
        finally
        {
            buffer.Finish();
        }
    }

    private async Task PumpAsync(CancellationToken abandoned)
    {
        int leftBytes = MaxLeftBytes;
        while (leftBytes > 0)
        {
            await _buffer.WaitForRoomAsync(abandoned);
            bool hasEnded = _processEnded.IsCancellationRequested;     // before the read: what it wrote was there then
            if (TryMoveOnce(out int count))
            {
                if (count == 0)
                {
                    return;
                }

                leftBytes -= hasEnded ? count : 0;
            }
            else if (hasEnded)
            {
                return;
            }
            else
            {
                await WaitAsync(abandoned);
            }
        }
    }

    private bool TryMoveOnce(out int count)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            Span<byte> bytes = rented.AsSpan(0, Math.Min(ReadBytes, _buffer.Room()));
            if (_source.TryRead(bytes, out count, out Errno why))
            {
                _buffer.Append(bytes[..count]);
                return true;
            }

            // EIO is how a terminal's master says that no slave is open any more. Any other error is the end as well: nothing can follow it.
            count = 0;
            return why != Errno.EAGAIN;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private async ValueTask WaitAsync(CancellationToken abandoned)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(abandoned, _processEnded);
        try
        {
            await EventLoop.Shared.Ready(_source, PollEvents.In, stop.Token);
        }
        catch (OperationCanceledException) when (!abandoned.IsCancellationRequested)
        {
            // The process has ended: one more look.
        }
    }
}
