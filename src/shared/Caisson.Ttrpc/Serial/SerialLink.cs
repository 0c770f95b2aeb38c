namespace Caisson.Ttrpc;

/// <summary>The host's end of a virtio-serial port: makes a fresh session with the agent, whatever lies in the port from before.</summary>
public static class SerialLink
{
    // Often enough that a waiting agent costs no time anybody notices.
    private static readonly TimeSpan s_syncInterval = TimeSpan.FromMilliseconds(50);

    // Without an echo for this long the port is hung up, which an agent notices in whatever state it is.
    private static readonly TimeSpan s_attempt = TimeSpan.FromSeconds(5);

    // How long the port stays hung up: the guest's kernel tells its reader only while no host is there.
    private static readonly TimeSpan s_hungUp = TimeSpan.FromMilliseconds(200);

    // Now and then so many frames at once that they fill up half a segment of a dead host and are seen behind it.
    private const int BurstFrames = (SerialFrames.MaxSegmentBytes / SerialFrames.SyncBytes) + 2;
    private const int BurstEvery = 10;
    private const int FirstBurst = 1;

    /// <summary>Connects to the port and synchronises, again and again until the agent answers.</summary>
    /// <param name="connect">Connects to the port's socket. Its exceptions end the attempt: QEMU is not there.</param>
    /// <param name="patience">How long the agent may take, its boot included.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A stream for a new <see cref="TtrpcClient"/>; everything of earlier sessions has been dropped.</returns>
    /// <exception cref="TtrpcException">DeadlineExceeded: the agent did not answer.</exception>
    public static async Task<Stream> ConnectAsync(
        Func<CancellationToken, ValueTask<Stream>> connect, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        giveUp.CancelAfter(TtrpcTime.Clamp(patience));
        try
        {
            while (true)
            {
                Stream port = await connect(giveUp.Token);
                if (await TrySynchroniseAsync(port, giveUp.Token) is { } session)
                {
                    return session;
                }

                await Task.Delay(s_hungUp, giveUp.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TtrpcException(
                TtrpcCode.DeadlineExceeded,
                $"agent: no answer on the serial port within {patience.TotalSeconds:0.###} s; the sandbox's console log tells how far the guest came");
        }
    }

    // Owns the port until it returns a session, which owns it from then on.
    private static async Task<Stream?> TrySynchroniseAsync(Stream port, CancellationToken giveUp)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(giveUp);
        attempt.CancelAfter(s_attempt);
        using var echoed = CancellationTokenSource.CreateLinkedTokenSource(attempt.Token);
        byte[] sync = SerialFrames.Sync(SerialFrames.Unguessable());
        Task<bool> sending = SendUntilAsync(port, sync, echoed.Token, attempt.Token);
        HostSerialSession? session = null;
        try
        {
            session = await FindEchoAsync(port, sync, attempt.Token);
        }
        catch (Exception failed) when (failed is IOException or OperationCanceledException)
        {
            // Hung up below, and tried again.
        }
        finally
        {
            await echoed.CancelAsync();
        }

        // A sync frame that was broken off would be the session's first bytes.
        if (await sending && session is not null)
        {
            return session;
        }

        await port.DisposeAsync();
        giveUp.ThrowIfCancellationRequested();
        return null;
    }

    /// <returns>Whether the last frame was written whole.</returns>
    private static async Task<bool> SendUntilAsync(Stream port, byte[] sync, CancellationToken echoed, CancellationToken attempt)
    {
        byte[] burst = new byte[BurstFrames * SerialFrames.SyncBytes];
        for (int index = 0; index < BurstFrames; index++)
        {
            sync.CopyTo(burst, index * SerialFrames.SyncBytes);
        }

        try
        {
            for (int sent = 0; !echoed.IsCancellationRequested; sent++)
            {
                await port.WriteAsync(sent % BurstEvery == FirstBurst ? burst : sync, attempt);
                await port.FlushAsync(attempt);
                await Task.Delay(s_syncInterval, echoed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return true;
        }
        catch (Exception failed) when (failed is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <returns>Null when the port ended first.</returns>
    internal static async Task<HostSerialSession?> FindEchoAsync(Stream port, byte[] sync, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[16 * 1024];
        int count = 0;
        while (true)
        {
            int read = await port.ReadAsync(buffer.AsMemory(count), cancellationToken);
            if (read == 0)
            {
                return null;
            }

            count += read;
            int at = buffer.AsSpan(0, count).IndexOf(sync);
            if (at >= 0 && count - at >= SerialFrames.EchoBytes)
            {
                byte[] challenge = buffer.AsSpan(at + SerialFrames.SyncBytes, SerialFrames.ChallengeBytes).ToArray();
                return new HostSerialSession(port, challenge, buffer.AsMemory((at + SerialFrames.EchoBytes)..count));
            }

            // Everything is dropped but what may be the beginning of the echo.
            int keep = at >= 0 ? count - at : Math.Min(count, SerialFrames.SyncBytes - 1);
            buffer.AsSpan(count - keep, keep).CopyTo(buffer);
            count = keep;
        }
    }
}
