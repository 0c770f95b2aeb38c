using Caisson.Ttrpc;

namespace Caisson.UnitTests.Ttrpc;

/// <summary>A host that dies after a number of bytes: the rest of what it writes never leaves it.</summary>
internal sealed class CutStream(Stream inner, bool closeInner) : DuplexStream
{
    private long _left = long.MaxValue;

    internal void DieAfter(long bytes) => _left = bytes;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = (int)Math.Min(buffer.Length, _left);
        _left -= count;
        await inner.WriteAsync(buffer[..count], CancellationToken.None);
        if (count < buffer.Length)
        {
            throw new IOException("the host died here");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && closeInner)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
