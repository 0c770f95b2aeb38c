using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Caisson.Hypervisors;

/// <summary>What the dynamic linker reads of a 64-bit little-endian ELF file: its interpreter, and the libraries it asks for (elf(5)).</summary>
internal sealed record ElfFile(string? Interpreter, IReadOnlyList<string> Needed, IReadOnlyList<string> SearchPath)
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int PtLoad = 1;
    private const int PtDynamic = 2;
    private const int PtInterp = 3;
    private const long DtNeeded = 1;
    private const long DtStrTab = 5;
    private const long DtRpath = 15;
    private const long DtRunpath = 29;

    // Far above what any file of a distribution has; a damaged file must not make us read all of it.
    private const int MaxProgramHeaders = 64;
    private const int MaxDynamicBytes = 64 * 1024;
    private const int MaxTextBytes = 4096;

    // EI_MAG0 to 3, ELFCLASS64, ELFDATA2LSB.
    private static ReadOnlySpan<byte> Magic => [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1];

    /// <summary>Reads a file; null if it is no such ELF file.</summary>
    internal static ElfFile? Read(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        byte[]? header = ReadAt(file, 0, HeaderBytes);
        if (header is null || !header.AsSpan(0, 6).SequenceEqual(Magic))
        {
            return null;
        }

        long tableOffset = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(32));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
        byte[]? table = count <= MaxProgramHeaders ? ReadAt(file, tableOffset, count * ProgramHeaderBytes) : null;
        return table is null ? null : new Reader(file, Parse(table)).Read(Path.GetDirectoryName(path)!);
    }

    private static List<Segment> Parse(byte[] table)
    {
        var segments = new List<Segment>();
        for (int at = 0; at < table.Length; at += ProgramHeaderBytes)
        {
            ReadOnlySpan<byte> entry = table.AsSpan(at, ProgramHeaderBytes);
            segments.Add(new Segment(
                BinaryPrimitives.ReadInt32LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[16..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[32..])));
        }

        return segments;
    }

    // Null unless all of the bytes are there.
    private static byte[]? ReadAt(SafeFileHandle file, long offset, int count)
    {
        if (offset < 0)
        {
            return null;
        }

        byte[] bytes = new byte[count];
        return RandomAccess.Read(file, bytes, offset) == count ? bytes : null;
    }

    private readonly record struct Segment(int Type, long Offset, long Address, long Length);

    private sealed class Reader(SafeFileHandle file, List<Segment> segments)
    {
        internal ElfFile Read(string directory)
        {
            var needed = new List<string>();
            var search = new List<string>();
            List<(long Tag, long Value)> entries = ReadDynamic();
            long strings = FileOffset(entries.Find(entry => entry.Tag == DtStrTab).Value);
            foreach ((long tag, long value) in entries)
            {
                if (tag == DtNeeded && TextAt(strings, value) is { } name)
                {
                    needed.Add(name);
                }
                else if (tag is DtRpath or DtRunpath && TextAt(strings, value) is { } path)
                {
                    search.AddRange(Expand(path, directory));
                }
            }

            Segment interpreter = segments.Find(segment => segment.Type == PtInterp);
            return new ElfFile(interpreter.Length == 0 ? null : TextAt(interpreter.Offset, 0), needed, search);
        }

        private static string[] Expand(string path, string directory) =>
            path.Replace("${ORIGIN}", directory, StringComparison.Ordinal)
                .Replace("$ORIGIN", directory, StringComparison.Ordinal)
                .Split(':', StringSplitOptions.RemoveEmptyEntries);

        private List<(long Tag, long Value)> ReadDynamic()
        {
            var entries = new List<(long, long)>();
            Segment dynamic = segments.Find(segment => segment.Type == PtDynamic);
            byte[]? bytes = dynamic.Length is > 0 and <= MaxDynamicBytes ? ReadAt(file, dynamic.Offset, (int)dynamic.Length) : null;
            for (int at = 0; bytes is not null && at + 16 <= bytes.Length; at += 16)
            {
                entries.Add((
                    BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)),
                    BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + 8))));
            }

            return entries;
        }

        private long FileOffset(long address)
        {
            foreach (Segment segment in segments)
            {
                if (segment.Type == PtLoad && address >= segment.Address && address - segment.Address < segment.Length)
                {
                    return address - segment.Address + segment.Offset;
                }
            }

            return -1;
        }

        private string? TextAt(long table, long offset)
        {
            if (table < 0 || offset < 0 || offset > long.MaxValue - table)
            {
                return null;
            }

            byte[] bytes = new byte[MaxTextBytes];
            int length = bytes.AsSpan(0, RandomAccess.Read(file, bytes, table + offset)).IndexOf((byte)0);
            return length <= 0 ? null : Encoding.UTF8.GetString(bytes, 0, length);
        }
    }
}
