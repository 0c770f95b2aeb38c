using System.Buffers.Binary;

namespace Caisson.GuestImage;

/// <summary>One program header of an ELF64 file, copied out and checked against the file's length.</summary>
internal readonly record struct Segment(uint Type, uint Flags, ulong Offset, ulong VirtualAddress, ulong PhysicalAddress, ulong FileBytes, ulong MemoryBytes);

/// <summary>An uncompressed kernel: an ELF64 executable for x86-64 that says, in a note, where a PVH boot enters it.</summary>
internal sealed class KernelElf
{
    internal const uint LoadSegment = 1;           // PT_LOAD
    internal const uint NoteSegment = 4;           // PT_NOTE
    internal const int HeaderBytes = 64;
    internal const int ProgramHeaderBytes = 56;

    private const string Step = "read kernel";
    private const ushort Executable = 2;           // ET_EXEC
    private const ushort MachineX8664 = 62;        // EM_X86_64
    private const uint PvhEntryNote = 18;          // XEN_ELFNOTE_PHYS32_ENTRY, include/xen/interface/elfnote.h
    private const int MaxSegments = 64;            // a kernel has about five

    private KernelElf(byte[] bytes, ulong entry, IReadOnlyList<Segment> segments, uint pvhEntry)
    {
        Bytes = bytes;
        Entry = entry;
        Segments = segments;
        PvhEntry = pvhEntry;
    }

    internal byte[] Bytes { get; }

    internal ulong Entry { get; }

    internal IReadOnlyList<Segment> Segments { get; }

    /// <summary>The physical address at which a PVH boot enters the kernel in 32-bit mode.</summary>
    internal uint PvhEntry { get; }

    internal static bool Looks(ReadOnlySpan<byte> file) => file.StartsWith("\x7f"u8) && file.Length > 4 && file[1..4].SequenceEqual("ELF"u8);

    internal static KernelElf Parse(byte[] bytes, string path)
    {
        var file = new ForeignBytes(bytes, Step, path);
        // 2, 1: ELFCLASS64, ELFDATA2LSB.
        if (!Looks(bytes) || file.U8(4) != 2 || file.U8(5) != 1 || file.U16(16) != Executable || file.U16(18) != MachineX8664)
        {
            throw new GuestImageException(Step, path, "not a 64-bit x86 ELF kernel");
        }

        List<Segment> segments = ReadSegments(file, path);
        return new KernelElf(bytes, file.U64(24), segments, FindPvhEntry(file, segments, path));
    }

    private static List<Segment> ReadSegments(ForeignBytes file, string path)
    {
        ulong table = file.U64(32);
        int count = file.U16(56);
        if (file.U16(54) != ProgramHeaderBytes || count is 0 or > MaxSegments)
        {
            throw new GuestImageException(Step, path, $"not a kernel: {count} program headers of {file.U16(54)} bytes");
        }

        var segments = new List<Segment>(count);
        ReadOnlySpan<byte> headers = file.Slice(table, (ulong)(count * ProgramHeaderBytes));
        for (int i = 0; i < count; i++)
        {
            var header = new ForeignBytes(headers.Slice(i * ProgramHeaderBytes, ProgramHeaderBytes), Step, path);
            var segment = new Segment(header.U32(0), header.U32(4), header.U64(8), header.U64(16), header.U64(24), header.U64(32), header.U64(40));
            if (segment.Type is LoadSegment or NoteSegment)
            {
                _ = file.Slice(segment.Offset, segment.FileBytes);
                segments.Add(segment);
            }
        }

        return segments;
    }

    private static uint FindPvhEntry(ForeignBytes file, List<Segment> segments, string path)
    {
        foreach (Segment segment in segments)
        {
            if (segment.Type == NoteSegment && FindPvhEntry(file.Slice(segment.Offset, segment.FileBytes)) is uint entry)
            {
                return entry;
            }
        }

        throw new GuestImageException(Step, path, "it has no PVH entry note, so it cannot be booted directly; use a kernel built with CONFIG_PVH=y");
    }

    // A note is three words (length of the name, length of the value, type), then name and value, each padded to four bytes.
    private static uint? FindPvhEntry(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            uint nameBytes = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            uint valueBytes = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            notes = notes[12..];
            if (!TryTake(ref notes, nameBytes, out ReadOnlySpan<byte> name) || !TryTake(ref notes, valueBytes, out ReadOnlySpan<byte> value))
            {
                return null;
            }

            if (type == PvhEntryNote && name.SequenceEqual("Xen\0"u8) && value.Length >= 4)
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(value);
            }
        }

        return null;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> notes, uint count, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (count > (uint)notes.Length)
        {
            return false;
        }

        taken = notes[..(int)count];
        int padded = ((int)count + 3) & ~3;
        notes = notes[Math.Min(padded, notes.Length)..];
        return true;
    }
}
