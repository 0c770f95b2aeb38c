using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Caisson.GuestImage;
using Caisson.Hypervisors;

namespace Caisson.Fuzz;

/// <summary>A distribution's kernel: bzImage, its compression, and the ELF inside, down to the file that QEMU is given.</summary>
internal sealed class KernelImageTarget : IFuzzTarget
{
    private const string File = "/boot/vmlinuz";

    public string Name => "kernel-image";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => [ElfSeeds.Kernel, ElfSeeds.BzImage(ElfSeeds.Gzip(ElfSeeds.Kernel)), ElfSeeds.BzImage(ElfSeeds.Lz4(ElfSeeds.Kernel))];

    public IEnumerable<string> Words => ["HdrS", "\u007fELF", "Xen\0", "BZh", "6.1.0-50-cloud-amd64 (x)"];

    public void Run(byte[] input)
    {
        try
        {
            byte[] kernel = input;
            if (BzImage.Looks(input))
            {
                _ = BzImage.Release(input, File);
                kernel = KernelPayload.Decompress(BzImage.Payload(input, File), File);
            }

            using var output = new MemoryStream();
            LoadableKernel.Write(KernelElf.Parse(kernel, File), output);
            _ = KernelElf.Parse(output.ToArray(), "written");
        }
        catch (GuestImageException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }
}

/// <summary>A kernel module.</summary>
internal sealed class KernelModuleTarget : IFuzzTarget
{
    private const string File = "/lib/modules/x.ko";

    public string Name => "kernel-module";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => [ElfSeeds.Module("depends=virtio,virtio-ring", "vermagic=6.1.0 SMP", "license=GPL")];

    public IEnumerable<string> Words => [".modinfo", "depends=", "vermagic=", "\0"];

    public void Run(byte[] input)
    {
        try
        {
            _ = ModuleFile.Parse("x", input, File);
        }
        catch (GuestImageException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }
}

/// <summary>LZ4 blocks by themselves: behind a bzImage's headers few mutations reach them.</summary>
internal sealed class Lz4Target : IFuzzTarget
{
    public string Name => "lz4";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => [[0x50, 1, 2, 3, 4, 5], [0x1F, 9, 1, 0, 255, 10, 0x10, 7], [0xF0, 255, 3, .. new byte[273]]];

    public void Run(byte[] input)
    {
        try
        {
            byte[] target = new byte[64 << 10];
            int written = Lz4Legacy.DecompressBlock(input, target, "x");
            BrokenPromiseException.Require(written <= target.Length, "more was written than there is room for");
            Lz4Legacy.Decompress([.. Lz4Legacy.Magic, .. input], target, "x");
        }
        catch (GuestImageException)
        {
            // Damaged.
        }
    }
}

/// <summary>ELF files of the host's programs, whose libraries go into a jail.</summary>
internal sealed class ElfTarget : IFuzzTarget
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"caisson-fuzz-elf-{Environment.ProcessId}");

    public string Name => "elf";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => [ElfSeeds.Dynamic, ElfSeeds.Kernel];

    public IEnumerable<string> Words => ["$ORIGIN", "${ORIGIN}/../lib", "\0", "/lib64/ld-linux-x86-64.so.2"];

    public void Run(byte[] input)
    {
        File.WriteAllBytes(_file, input);
        try
        {
            ElfFile? elf = ElfFile.Read(_file);
            BrokenPromiseException.Require(elf is null || elf.Needed.Count <= 4096, "more libraries than the dynamic section has room for");
        }
        finally
        {
            File.Delete(_file);
        }
    }
}

internal static class ElfSeeds
{
    internal static byte[] Kernel
    {
        get
        {
            byte[] file = new byte[4096 + 64];
            Header(file, type: 2, segments: 2);
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(24), 0x1000000);
            Segment(file.AsSpan(64), 1, 4096, 64);
            Segment(file.AsSpan(120), 4, 176, 20);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(176), 4);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(180), 4);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(184), 18);
            "Xen\0"u8.CopyTo(file.AsSpan(188));
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(192), 0x1000850);
            file.AsSpan(4096).Fill(0x90);
            return file;
        }
    }

    internal static byte[] Dynamic
    {
        get
        {
            byte[] file = new byte[1024];
            Header(file, type: 3, segments: 3);
            Segment(file.AsSpan(64), 1, 0, 1024);
            Segment(file.AsSpan(120), 2, 512, 80);
            Segment(file.AsSpan(176), 3, 700, 28);
            (long, long)[] entries = [(5, 800), (1, 1), (29, 11), (15, 11), (0, 0)];
            for (int i = 0; i < entries.Length; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(512 + (16 * i)), entries[i].Item1);
                BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(520 + (16 * i)), entries[i].Item2);
            }

            "/lib64/ld-linux-x86-64.so.2\0"u8.CopyTo(file.AsSpan(700));
            "\0libc.so.6\0$ORIGIN/../lib:/x\0"u8.CopyTo(file.AsSpan(800));
            return file;
        }
    }

    internal static byte[] Module(params string[] entries)
    {
        byte[] info = Encoding.ASCII.GetBytes(string.Join('\0', entries) + '\0');
        byte[] names = "\0.modinfo\0.shstrtab\0"u8.ToArray();
        int table = 64 + info.Length + names.Length;
        byte[] file = new byte[table + (3 * 64)];
        Header(file, type: 1, segments: 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), (ulong)table);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(58), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(60), 3);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(62), 2);
        info.CopyTo(file, 64);
        names.CopyTo(file, 64 + info.Length);
        Section(file.AsSpan(table + 64), 1, 64, info.Length);
        Section(file.AsSpan(table + 128), 10, 64 + info.Length, names.Length);
        return file;
    }

    internal static byte[] Gzip(byte[] kernel)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(kernel);
        }

        return packed.ToArray();
    }

    // Literals only, and the size that the kernel's build appends.
    internal static byte[] Lz4(byte[] kernel)
    {
        var block = new List<byte> { 0xF0 };
        int left = kernel.Length - 15;
        for (; left >= 255; left -= 255)
        {
            block.Add(255);
        }

        block.Add((byte)left);
        block.AddRange(kernel);
        return [.. Lz4Legacy.Magic, .. Word(block.Count), .. block, .. Word(kernel.Length)];
    }

    internal static byte[] BzImage(byte[] payload)
    {
        const int Start = 5 * 512;
        byte[] file = new byte[Start + payload.Length];
        file[0x1f1] = 4;
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x206), 0x20f);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x20e), 0x100);
        "6.1.0 (x)\0"u8.CopyTo(file.AsSpan(0x300));
        Word(payload.Length).CopyTo(file, 0x24c);
        payload.CopyTo(file, Start);
        return file;
    }

    private static byte[] Word(int number)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(word, number);
        return word;
    }

    private static void Header(Span<byte> file, ushort type, ushort segments)
    {
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], 62);
        BinaryPrimitives.WriteUInt64LittleEndian(file[32..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file[56..], segments);
    }

    private static void Segment(Span<byte> header, uint type, ulong offset, ulong count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], type == 1 && offset == 0 ? 0UL : 0x1000000UL);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], 0x1000000);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], count);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], count);
    }

    private static void Section(Span<byte> header, uint name, int offset, int count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, name);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], (ulong)count);
    }
}
