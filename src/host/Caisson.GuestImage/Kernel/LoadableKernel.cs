using System.Buffers.Binary;

namespace Caisson.GuestImage;

/// <summary>
/// Writes a kernel as what a PVH loader needs and nothing else: loadable segments and the notes. Section headers, symbols and debug
/// information stay behind, and so do long runs of zeros: fresh guest memory is zero already, and what the loader does not write,
/// no page of the host has to back (22 of 53 MB in Debian's cloud kernel). It follows that a VM is never reset in place: QEMU
/// runs with -no-reboot.
/// </summary>
internal static class LoadableKernel
{
    private const int PageBytes = 4096;

    // Shorter holes are not worth a program header: each is a blob of its own in the loader.
    private const int MinHoleBytes = 64 << 10;

    internal static void Write(KernelElf kernel, Stream output)
    {
        List<Segment> pieces = SplitAtHoles(kernel);
        List<Segment> segments = [.. OfType(kernel, KernelElf.NoteSegment), .. pieces];
        int headerBytes = KernelElf.HeaderBytes + (segments.Count * KernelElf.ProgramHeaderBytes);

        byte[] headers = new byte[headerBytes];
        WriteFileHeader(headers, kernel.Entry, segments.Count);
        int at = KernelElf.HeaderBytes;
        ulong offset = (ulong)headerBytes;
        foreach (Segment segment in segments)
        {
            offset = Place(segment, offset);
            WriteProgramHeader(headers.AsSpan(at), segment with { Offset = offset });
            at += KernelElf.ProgramHeaderBytes;
            offset += segment.FileBytes;
        }

        output.Write(headers);
        ulong position = (ulong)headerBytes;
        foreach (Segment segment in segments)
        {
            ulong start = Place(segment, position);
            output.Write(new byte[start - position]);
            output.Write(kernel.Bytes.AsSpan((int)segment.Offset, (int)segment.FileBytes));
            position = start + segment.FileBytes;
        }
    }

    // Loadable data starts on a page of the file, so that a loader can map it; notes need four bytes only.
    private static ulong Place(Segment segment, ulong offset)
    {
        ulong alignment = segment.Type == KernelElf.LoadSegment ? PageBytes : 4u;
        return (offset + alignment - 1) & ~(alignment - 1);
    }

    private static List<Segment> OfType(KernelElf kernel, uint type) => new List<Segment>(kernel.Segments).FindAll(segment => segment.Type == type);

    private static List<Segment> SplitAtHoles(KernelElf kernel)
    {
        var pieces = new List<Segment>();
        foreach (Segment segment in OfType(kernel, KernelElf.LoadSegment))
        {
            foreach ((int start, int count) in Occupied(kernel.Bytes.AsSpan((int)segment.Offset, (int)segment.FileBytes)))
            {
                pieces.Add(segment with
                {
                    Offset = segment.Offset + (ulong)start,
                    VirtualAddress = segment.VirtualAddress + (ulong)start,
                    PhysicalAddress = segment.PhysicalAddress + (ulong)start,
                    FileBytes = (ulong)count,
                    MemoryBytes = (ulong)count,
                });
            }
        }

        return pieces;
    }

    /// <summary>The page-aligned ranges of a segment that are left when its holes are taken out.</summary>
    internal static List<(int Start, int Count)> Occupied(ReadOnlySpan<byte> data)
    {
        var ranges = new List<(int Start, int Count)>();
        int start = 0;
        int at = 0;
        while (at < data.Length)
        {
            int hole = ZeroPages(data[at..]);
            if (hole < MinHoleBytes && at + hole < data.Length)
            {
                at += Math.Max(hole, PageBytes);
                continue;
            }

            Add(ranges, start, Math.Min(at, data.Length));
            at += hole;
            start = at;
        }

        Add(ranges, start, data.Length);
        return ranges;
    }

    private static void Add(List<(int Start, int Count)> ranges, int start, int end)
    {
        if (end > start)
        {
            ranges.Add((start, end - start));
        }
    }

    /// <summary>How many bytes of whole zero pages the data starts with; a short last page counts.</summary>
    private static int ZeroPages(ReadOnlySpan<byte> data)
    {
        int firstNonZero = data.IndexOfAnyExcept((byte)0);
        return firstNonZero < 0 ? data.Length : firstNonZero & ~(PageBytes - 1);
    }

    private static void WriteFileHeader(Span<byte> header, ulong entry, int segments)
    {
        // e_ident: magic, ELFCLASS64, ELFDATA2LSB, EV_CURRENT.
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 2);        // ET_EXEC
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], 62);       // EM_X86_64
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);        // EV_CURRENT
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], entry);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], KernelElf.HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], KernelElf.HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], KernelElf.ProgramHeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], (ushort)segments);
    }

    private static void WriteProgramHeader(Span<byte> header, Segment segment)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, segment.Type);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], segment.Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], segment.Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], segment.VirtualAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], segment.PhysicalAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], segment.FileBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], segment.MemoryBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header[48..], segment.Type == KernelElf.LoadSegment ? PageBytes : 4u);
    }
}
