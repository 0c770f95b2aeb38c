using System.Buffers.Binary;
using Google.Protobuf;

namespace Caisson.Protocol;

/// <summary>Ports of TCP in <see cref="PortList"/>: two bytes each in the network's order, the lowest first, none twice.</summary>
public static class PortNumbers
{
    /// <summary>The most that a list has. Own limit: a pod's containers listen on a handful, and a host holds a socket for each.</summary>
    public const int Max = 64;

    /// <summary>Puts ports, which are in their order, on the wire.</summary>
    public static ByteString ToWire(ReadOnlySpan<ushort> ports)
    {
        byte[] wire = new byte[ports.Length * sizeof(ushort)];
        for (int i = 0; i < ports.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(wire.AsSpan(i * sizeof(ushort)), ports[i]);
        }

        return UnsafeByteOperations.UnsafeWrap(wire);
    }

    /// <summary>Reads ports from the wire; false where it holds anything else.</summary>
    public static bool TryRead(ByteString wire, out ushort[] ports)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ports = new ushort[Math.Min(wire.Length / sizeof(ushort), Max)];
        int before = 0;
        for (int i = 0; i < ports.Length; i++)
        {
            ports[i] = BinaryPrimitives.ReadUInt16BigEndian(wire.Span[(i * sizeof(ushort))..]);
            if (ports[i] <= before)
            {
                return false;
            }

            before = ports[i];
        }

        return wire.Length == ports.Length * sizeof(ushort);
    }
}
