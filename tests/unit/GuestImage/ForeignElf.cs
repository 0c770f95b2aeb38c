using System.Buffers.Binary;
using System.Text;
using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

/// <summary>Builds the small ELF files that the tests feed in.</summary>
internal static class ForeignElf
{
    /// <summary>A module with a .modinfo section of the given entries.</summary>
    internal static byte[] Module(params string[] entries)
    {
        byte[] info = Encoding.ASCII.GetBytes(string.Join('\0', entries) + '\0');
        byte[] names = "\0.modinfo\0.shstrtab\0"u8.ToArray();
        int infoAt = 64;
        int namesAt = infoAt + info.Length;
        int tableAt = namesAt + names.Length;
        byte[] file = new byte[tableAt + (3 * 64)];
        Header(file, type: 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), (ulong)tableAt);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(58), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(60), 3);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(62), 2);
        info.CopyTo(file, infoAt);
        names.CopyTo(file, namesAt);
        Section(file.AsSpan(tableAt + 64), name: 1, infoAt, info.Length);
        Section(file.AsSpan(tableAt + 128), name: 10, namesAt, names.Length);
        return file;
    }

    /// <summary>A kernel: one loadable segment at 16 MiB, and one note.</summary>
    internal static byte[] Kernel(byte[] content, uint noteType = 18, uint entry = 0x1000850)
    {
        byte[] note = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(note, 4);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(4), 4);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), noteType);
        "Xen\0"u8.CopyTo(note.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(16), entry);

        int noteAt = 64 + (2 * 56);
        int contentAt = 4096;
        byte[] file = new byte[contentAt + content.Length];
        Header(file, type: 2);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(24), 0x1000000);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 2);
        note.CopyTo(file, noteAt);
        content.CopyTo(file, contentAt);
        Program(file.AsSpan(64), type: 1, contentAt, address: 0x1000000, content.Length);
        Program(file.AsSpan(120), type: 4, noteAt, address: 0x1000000, note.Length);
        return file;
    }

    /// <summary>What a loader would put into memory: the bytes of every loadable segment by physical address.</summary>
    internal static byte[] Load(byte[] file, int memoryBytes)
    {
        byte[] memory = new byte[memoryBytes];
        foreach (Segment segment in KernelElf.Parse(file, "test").Segments.Where(segment => segment.Type == KernelElf.LoadSegment))
        {
            file.AsSpan((int)segment.Offset, (int)segment.FileBytes).CopyTo(memory.AsSpan((int)segment.PhysicalAddress));
        }

        return memory;
    }

    private static void Header(Span<byte> file, ushort type)
    {
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], 62);
    }

    private static void Section(Span<byte> header, uint name, int offset, int count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, name);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], (ulong)count);
    }

    private static void Program(Span<byte> header, uint type, int offset, ulong address, int count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], (ulong)count);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], (ulong)count);
    }
}
