using System.Net;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Connections that the host makes to ports of the guest, by names that it chooses; their bytes go the way of a process's streams.</summary>
internal sealed class PortConnections
{
    // Own limit; each has a buffer as a process's output has.
    private const int Max = 64;

    // To this machine's own loopback: only a listener that has more waiting than it wants lets it take longer.
    private static readonly TimeSpan s_connectPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, PortConnection> _connections = [];      // under _lock

    internal async Task ConnectAsync(string name, uint port, CancellationToken cancellationToken)
    {
        if (port is 0 or > ushort.MaxValue)
        {
            throw Refusal.Invalid($"{port} is no port of TCP");
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_connectPatience);
        var connection = new PortConnection(await DialAsync((ushort)port, patience.Token));
        lock (_lock)
        {
            if (_connections.Count < Max && _connections.TryAdd(name, connection))
            {
                return;
            }
        }

        connection.Dispose();
        throw Refusal.Limit($"{name} is there already, or {Max} connections to ports are");
    }

    internal PortConnection Find(string name)
    {
        lock (_lock)
        {
            return _connections.GetValueOrDefault(name) ?? throw Refusal.NotFound($"there is no connection {name}");
        }
    }

    /// <summary>Closing one that is not there is no error.</summary>
    internal void Close(string name)
    {
        PortConnection? connection;
        lock (_lock)
        {
            _connections.Remove(name, out connection);
        }

        connection?.Dispose();
    }

    internal void CloseAll()
    {
        List<PortConnection> all;
        lock (_lock)
        {
            all = [.. _connections.Values];
            _connections.Clear();
        }

        all.ForEach(static connection => connection.Dispose());
    }

    // Who listens on :: may have said that he wants no IPv4.
    private static async Task<InternetSocket> DialAsync(ushort port, CancellationToken cancellationToken)
    {
        try
        {
            try
            {
                return await InternetSocket.ConnectAsync(IPAddress.Loopback, port, EventLoop.Shared, cancellationToken);
            }
            catch (SyscallException cause) when (cause.Errno == Errno.ECONNREFUSED)
            {
                return await InternetSocket.ConnectAsync(IPAddress.IPv6Loopback, port, EventLoop.Shared, cancellationToken);
            }
        }
        catch (SyscallException cause)
        {
            throw Refusal.State(cause.Message);
        }
    }
}

/// <summary>One connection to a port.</summary>
internal sealed class PortConnection : IDisposable
{
    private readonly InternetSocket _socket;
    private readonly CancellationTokenSource _abandoned = new();

    internal PortConnection(InternetSocket socket)
    {
        _socket = socket;
        Input = new InputFeed(socket, isShared: true);
        _ = OutputPump.RunAsync(socket, Output, CancellationToken.None, _abandoned.Token);
    }

    /// <summary>What the host sends.</summary>
    internal InputFeed Input { get; }

    /// <summary>What the guest's program sends.</summary>
    internal OutputBuffer Output { get; } = new();

    public void Dispose()
    {
        _abandoned.Cancel();
        Input.Dispose();
        EventLoop.Shared.Forget(_socket);
        _socket.Dispose();
        Output.Release();
        _abandoned.Dispose();
    }
}
