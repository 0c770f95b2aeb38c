using System.Buffers;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The TCP ports that listen inside a machine, on the loopback of its pod's network namespace: whoever connects there, as CRI's port-forward
/// does, is carried to the guest. Bytes are asked for only when the ones before have been taken, on both ways. Connections end with their
/// supervisor: the next one listens anew.
/// </summary>
internal sealed class PortMirror(SandboxNetwork network, IGuest guest, SupervisorLog log)
{
    // Own limit, the agent's too: one more is closed at once.
    private const int MaxConnections = 64;

    private const int ChunkBytes = 32 * 1024;

    // A guest that tells of changes for ever gets no more of the host than this.
    private static readonly TimeSpan s_betweenChanges = TimeSpan.FromMilliseconds(500);

    private readonly List<MirroredPort> _open = [];     // owned by RunAsync
    private long _names;
    private int _connections;

    /// <summary>Runs for as long as the machine does. Never fails.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        ushort[] ports = [];
        try
        {
            // The first question also ends what an earlier supervisor's connections have left.
            for (bool anew = true; ; anew = false)
            {
                ports = await guest.ListeningPortsAsync(ports, anew, cancellationToken);
                Follow(ports, cancellationToken);
                await Task.Delay(s_betweenChanges, cancellationToken);
            }
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // The guest is gone, or this supervisor lets go. An agent that refuses the call has no ports.
        }

        Follow([], cancellationToken);
    }

    private void Follow(ushort[] ports, CancellationToken cancellationToken)
    {
        for (int i = _open.Count - 1; i >= 0; i--)
        {
            if (Array.IndexOf(ports, _open[i].Port) < 0)
            {
                _open[i].Closing.Cancel();
                _open[i].Closing.Dispose();
                _open.RemoveAt(i);
            }
        }

        foreach (ushort port in ports)
        {
            if (!_open.Exists(one => one.Port == port))
            {
                Open(port, cancellationToken);
            }
        }
    }

    private void Open(ushort port, CancellationToken cancellationToken)
    {
        try
        {
            InternetSocket listener = network.Listen(port);
            var closing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _open.Add(new MirroredPort(port, closing));
            _ = ServeAsync(port, listener, closing.Token, cancellationToken);
        }
        catch (SandboxException cause)
        {
            // Most of all: somebody in the namespace listens there already, and keeps it.
            log.Warning($"port {port} of the virtual machine is not mirrored: {cause.Message}");
        }
    }

    private async Task ServeAsync(ushort port, InternetSocket listener, CancellationToken closing, CancellationToken cancellationToken)
    {
        try
        {
            Errno why = Errno.EAGAIN;
            while (why == Errno.EAGAIN)
            {
                await EventLoop.Shared.Ready(listener, PollEvents.In, closing);
                while (listener.TryAccept(out InternetSocket? connection, out why))
                {
                    _ = CarryAsync(port, connection, cancellationToken);
                }
            }

            log.Error($"port {port} of the virtual machine is not mirrored any more: accept: {why.Describe()}");
        }
        catch (OperationCanceledException)
        {
            // Nobody listens in the guest any more, or it is gone.
        }

        listener.Dispose();
    }

    private async Task CarryAsync(ushort port, InternetSocket socket, CancellationToken cancellationToken)
    {
        string name = $"port-{Interlocked.Increment(ref _names)}";
        IGuestProcess inside = guest.Process("", name);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var outside = new DescriptorStream(socket, EventLoop.Shared);
        try
        {
            if (Interlocked.Increment(ref _connections) <= MaxConnections)
            {
                await guest.ConnectPortAsync(port, name, ending.Token);
                Task inwards = CarryInAsync(outside, inside, ending.Token);
                Task outwards = CarryOutAsync(inside, outside, socket, ending.Token);
                if (!(await Task.WhenAny(inwards, outwards)).IsCompletedSuccessfully)
                {
                    ending.Cancel();
                }

                await Task.WhenAll(inwards, outwards);
            }
        }
        catch (Exception cause) when (cause is SandboxException or SyscallException or OperationCanceledException)
        {
            // Whoever is on the other side sees its end.
        }

        Interlocked.Decrement(ref _connections);
        _ = inside.AcknowledgeExitAsync(CancellationToken.None).ContinueWith(static closed => _ = closed.Exception, TaskScheduler.Default);
    }

    private static async Task CarryInAsync(DescriptorStream outside, IGuestProcess inside, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        ulong offset = 0;
        int count = await outside.ReadAsync(buffer, cancellationToken);
        while (count > 0)
        {
            for (int sent = 0; sent < count;)
            {
                int taken = await inside.WriteStdinAsync(offset, buffer.AsMemory(sent, count - sent), cancellationToken);
                sent += taken;
                offset += (ulong)taken;
            }

            count = await outside.ReadAsync(buffer, cancellationToken);
        }

        ArrayPool<byte>.Shared.Return(buffer);
        await inside.CloseStdinAsync(cancellationToken);
    }

    private static async Task CarryOutAsync(IGuestProcess inside, DescriptorStream outside, InternetSocket socket, CancellationToken cancellationToken)
    {
        OutputChunk chunk = default;
        for (ulong offset = 0; !chunk.AtEnd; offset += (ulong)chunk.Data.Length)
        {
            chunk = await inside.ReadStdoutAsync(offset, cancellationToken);
            await outside.WriteAsync(chunk.Data, cancellationToken);
        }

        socket.TryShutdown(ShutdownSide.Write, out _);
    }
}

/// <summary>A port on which a supervisor listens.</summary>
/// <param name="Port">The port.</param>
/// <param name="Closing">Ends it.</param>
internal sealed record MirroredPort(ushort Port, CancellationTokenSource Closing);
