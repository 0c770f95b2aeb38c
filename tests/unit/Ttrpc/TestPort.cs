using System.Net.Sockets;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Ttrpc;

/// <summary>
/// A virtio-serial port as QEMU and the guest's driver make one, over real sockets: one host at a time, reads give 0 while
/// there is none, writes wait for the next one.
/// </summary>
internal sealed class TestPort : DuplexStream
{
    private readonly SemaphoreSlim _hostCame = new(0);
    private readonly Lock _gate = new();
    private NetworkStream? _host;   // under _gate

    internal int ReadsWithoutHost { get; private set; }

    internal NetworkStream Connect()
    {
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        lock (_gate)
        {
            _host = right;
        }

        _hostCame.Release();
        return left;
    }

    internal ValueTask WaitForHostAsync(CancellationToken cancellationToken) => new(_hostCame.WaitAsync(cancellationToken));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        NetworkStream? host = Current();
        if (host is null)
        {
            ReadsWithoutHost++;
            return 0;
        }

        try
        {
            int count = await host.ReadAsync(buffer, cancellationToken);
            if (count > 0)
            {
                return count;
            }
        }
        catch (IOException)
        {
            // Reset instead of end: the same to a port.
        }

        Drop(host);
        return 0;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            NetworkStream? host = Current();
            if (host is null)
            {
                await Task.Delay(1, cancellationToken);
                continue;
            }

            try
            {
                await host.WriteAsync(buffer, cancellationToken);
                return;
            }
            catch (IOException)
            {
                return;   // what QEMU had in flight is lost
            }
        }
    }

    private NetworkStream? Current()
    {
        lock (_gate)
        {
            return _host;
        }
    }

    private void Drop(NetworkStream host)
    {
        lock (_gate)
        {
            if (_host == host)
            {
                _host = null;
            }
        }

        host.Dispose();
    }
}
