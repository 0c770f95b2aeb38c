using System.Buffers.Binary;

namespace Caisson.Fuzz;

/// <summary>Bytes without a known structure.</summary>
internal sealed class ByteShape : IShape
{
    private const int MaxInputBytes = 256 * 1024;

    // Where sums, differences and signs go wrong.
    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x40_0000, 0x40_0001, 0x7FFF_FFF0, 0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_FFF0, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFF0, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    internal static ByteShape Instance { get; } = new();

    public byte[] Mutate(byte[] input, byte[] other, IReadOnlyList<byte[]> words, Random random)
    {
        var bytes = new List<byte>(input);
        for (int changes = 1 << random.Next(5); changes > 0; changes--)
        {
            Change(bytes, other, words, random);
        }

        if (bytes.Count > MaxInputBytes)
        {
            bytes.RemoveRange(MaxInputBytes, bytes.Count - MaxInputBytes);
        }

        return [.. bytes];
    }

    private static void Change(List<byte> bytes, byte[] other, IReadOnlyList<byte[]> words, Random random)
    {
        int at = random.Next(bytes.Count + 1);
        if (bytes.Count == 0)
        {
            bytes.Add((byte)random.Next(256));
            return;
        }

        int inside = Math.Min(at, bytes.Count - 1);
        switch (random.Next(10))
        {
            case 0: bytes[inside] ^= (byte)(1 << random.Next(8)); break;
            case 1: bytes[inside] = (byte)random.Next(256); break;
            case 2: bytes[inside] += (byte)random.Next(-8, 9); break;
            case 3: bytes.RemoveRange(inside, random.Next(1, Math.Min(64, bytes.Count - inside) + 1)); break;
            case 4: bytes.InsertRange(at, bytes.GetRange(inside, random.Next(1, Math.Min(256, bytes.Count - inside) + 1))); break;
            case 5: PutNumber(bytes, inside, random); break;
            case 6 when words.Count > 0: bytes.InsertRange(at, words[random.Next(words.Count)]); break;
            case 7 when words.Count > 0: Overwrite(bytes, inside, words[random.Next(words.Count)]); break;
            case 8 when other.Length > 0: Splice(bytes, at, other, random); break;
            default: bytes.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), random.Next(1, 32))); break;
        }
    }

    private static void PutNumber(List<byte> bytes, int at, Random random)
    {
        Span<byte> eight = stackalloc byte[8];
        ulong number = s_numbers[random.Next(s_numbers.Length)];
        int size = 1 << random.Next(4);
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(eight, number);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(eight, number << (64 - (8 * size)));
        }

        Overwrite(bytes, at, eight[..size].ToArray());
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (int i = 0; i < with.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = with[i];
        }
    }

    private static void Splice(List<byte> bytes, int at, byte[] other, Random random)
    {
        int from = random.Next(other.Length);
        int count = random.Next(1, Math.Min(4096, other.Length - from) + 1);
        if (random.Next(2) == 0)
        {
            bytes.RemoveRange(at, bytes.Count - at);
        }

        bytes.InsertRange(at, other.AsSpan(from, count).ToArray());
    }
}
