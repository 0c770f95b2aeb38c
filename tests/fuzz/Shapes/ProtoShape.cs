using System.Text;

namespace Caisson.Fuzz;

/// <summary>
/// A protobuf message, by its wire form alone (protobuf.dev/programming-guides/encoding): fields are changed, doubled and taken away at
/// any depth, and the lengths around them follow. <paramref name="head"/> bytes before it are a header that is mutated as bytes.
/// </summary>
internal sealed class ProtoShape(int head = 0) : IShape
{
    private const int MaxDepth = 12;

    public byte[] Mutate(byte[] input, byte[] other, IReadOnlyList<byte[]> words, Random random)
    {
        if (random.Next(4) == 0 || input.Length < head)
        {
            return ByteShape.Instance.Mutate(input, other, words, random);
        }

        byte[] message = input[head..];
        for (int changes = 1 << random.Next(3); changes > 0; changes--)
        {
            message = Change(message, words, random, MaxDepth);
        }

        return [.. input[..head], .. message];
    }

    private static byte[] Change(byte[] message, IReadOnlyList<byte[]> words, Random random, int depth)
    {
        List<Field> fields = Read(message);
        if (fields.Count == 0)
        {
            return ByteShape.Instance.Mutate(message, [], words, random);
        }

        int at = random.Next(fields.Count);
        Field field = fields[at];
        switch (random.Next(8))
        {
            case 0: fields.RemoveAt(at); break;
            case 1: fields.Insert(random.Next(fields.Count + 1), field); break;
            case 2: fields[at] = field with { Number = (uint)random.Next(1, 24) }; break;
            case 3: fields[at] = new Field(field.Number, 0, RandomNumber(random), []); break;
            case 4: fields[at] = new Field(field.Number, 2, 0, Word(words, random)); break;
            default: fields[at] = Inside(field, words, random, depth); break;
        }

        return Write(fields);
    }

    private static Field Inside(Field field, IReadOnlyList<byte[]> words, Random random, int depth) => field.WireType switch
    {
        2 when depth > 0 && random.Next(5) > 0 && Read(field.Bytes).Count > 0 => field with { Bytes = Change(field.Bytes, words, random, depth - 1) },
        2 => field with { Bytes = random.Next(2) == 0 ? Word(words, random) : ByteShape.Instance.Mutate(field.Bytes, [], words, random) },
        0 => field with { Value = RandomNumber(random) },
        _ => field,
    };

    private static ulong RandomNumber(Random random) => random.Next(7) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 => long.MaxValue,
        3 => 1UL << random.Next(64),
        4 => uint.MaxValue,
        5 => (ulong)random.Next(256),
        _ => (ulong)random.NextInt64(),
    };

    private static byte[] Word(IReadOnlyList<byte[]> words, Random random) => random.Next(8) switch
    {
        0 => [],
        1 => Encoding.UTF8.GetBytes(new string('y', 1 << random.Next(14))),
        2 => [0xFF, 0xFE, 0],
        _ => words.Count == 0 ? [1] : words[random.Next(words.Count)],
    };

    // Wire types 3 and 4 (groups) are left to the byte mutations.
    private static List<Field> Read(byte[] message)
    {
        var fields = new List<Field>();
        int at = 0;
        while (at < message.Length)
        {
            if (!TryVarint(message, ref at, out ulong tag) || tag >> 3 is 0 or > int.MaxValue)
            {
                return [];
            }

            int wire = (int)(tag & 7);
            int count = wire switch { 1 => 8, 5 => 4, _ => 0 };
            ulong value = 0;
            if (wire is not (0 or 1 or 2 or 5) || (wire is 0 or 2 && !TryVarint(message, ref at, out value)))
            {
                return [];
            }

            count = wire == 2 ? (int)Math.Min(value, int.MaxValue) : count;
            if (count > message.Length - at)
            {
                return [];
            }

            fields.Add(new Field((uint)(tag >> 3), wire, value, message[at..(at + count)]));
            at += count;
        }

        return fields;
    }

    private static bool TryVarint(byte[] message, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && at < message.Length; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] Write(List<Field> fields)
    {
        var bytes = new List<byte>();
        foreach (Field field in fields)
        {
            PutVarint(bytes, ((ulong)field.Number << 3) | (uint)field.WireType);
            if (field.WireType is 0)
            {
                PutVarint(bytes, field.Value);
            }
            else if (field.WireType is 2)
            {
                PutVarint(bytes, (ulong)field.Bytes.Length);
            }

            bytes.AddRange(field.Bytes);
        }

        return [.. bytes];
    }

    private static void PutVarint(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
    }

    private readonly record struct Field(uint Number, int WireType, ulong Value, byte[] Bytes);
}
