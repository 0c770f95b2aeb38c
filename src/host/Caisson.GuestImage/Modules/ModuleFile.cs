using System.Buffers.Binary;
using System.Text;

namespace Caisson.GuestImage;

/// <summary>One kernel module, and what its .modinfo section says about it.</summary>
internal sealed class ModuleFile
{
    private const string Step = "read module";
    private const int MaxModuleBytes = 64 << 20;      // the largest of Debian's are graphics drivers of 20 MB
    private const int SectionHeaderBytes = 64;
    private const int MaxSections = 65_279;            // below SHN_LORESERVE, where numbers stop being indices
    private const int MaxSectionName = 256;
    private const ushort Relocatable = 1;              // ET_REL

    // struct module_signature (include/linux/module_signature.h) ends with the signature's length, big-endian. It lies before the mark,
    // and the signature before it.
    private const int SignatureHeaderBytes = 12;

    private ModuleFile(string name, byte[] bytes)
    {
        Name = name;
        Bytes = bytes;
    }

    /// <summary>The name with underscores, as the kernel shows it.</summary>
    internal string Name { get; }

    /// <summary>The file, decompressed.</summary>
    internal byte[] Bytes { get; private set; }

    private static ReadOnlySpan<byte> SignatureMark => "~Module signature appended~\n"u8;

    internal IReadOnlyList<string> Depends { get; private set; } = [];

    /// <summary>The release of the kernel that it was built for; empty when it does not say.</summary>
    internal string KernelRelease { get; private set; } = "";

    internal static ModuleFile Read(string name, string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxModuleBytes)
        {
            throw new GuestImageException(Step, path, $"{length} bytes is more than a module may have ({MaxModuleBytes})");
        }

        return Parse(name, Uncompressed(path), path);
    }

    internal static ModuleFile Parse(string name, byte[] bytes, string path)
    {
        var module = new ModuleFile(name, bytes);
        foreach (string entry in Encoding.ASCII.GetString(ModInfo(bytes, path)).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry.StartsWith("depends=", StringComparison.Ordinal))
            {
                module.Depends = Array.ConvertAll(entry["depends=".Length..].Split(',', StringSplitOptions.RemoveEmptyEntries), Normalize);
            }
            else if (entry.StartsWith("vermagic=", StringComparison.Ordinal))
            {
                module.KernelRelease = entry["vermagic=".Length..].Split(' ')[0];
            }
        }

        return module;
    }

    /// <summary>
    /// Cuts off an appended signature. The kernel hashes the module and verifies RSA for each at every boot: 60 of the 84 million
    /// instructions between /init's start and its readiness.
    /// </summary>
    internal void DropSignature()
    {
        if (!Bytes.AsSpan().EndsWith(SignatureMark) || Bytes.Length < SignatureMark.Length + SignatureHeaderBytes)
        {
            return;
        }

        int end = Bytes.Length - SignatureMark.Length - SignatureHeaderBytes;
        uint signature = BinaryPrimitives.ReadUInt32BigEndian(Bytes.AsSpan(end + SignatureHeaderBytes - sizeof(uint)));
        Bytes = signature <= end
            ? Bytes[..(end - (int)signature)]
            : throw new GuestImageException(Step, Name, $"damaged: its signature of {signature} bytes is longer than the file");
    }

    /// <summary>File names use dashes where the kernel uses underscores (virtio-rng.ko is virtio_rng).</summary>
    internal static string Normalize(string name) => name.Replace('-', '_');

    private static byte[] Uncompressed(string path)
    {
        if (path.EndsWith(".ko", StringComparison.Ordinal))
        {
            return File.ReadAllBytes(path);
        }

        string program = Path.GetExtension(path) switch
        {
            ".gz" => "gzip",
            ".xz" => "xz",
            ".zst" => "zstd",
            string other => throw new GuestImageException(Step, path, $"compressed with {other[1..]}, which is not supported; decompress the modules first"),
        };
        return Unpacker.Unpack(program, File.ReadAllBytes(path), MaxModuleBytes, Step, path);
    }

    private static ReadOnlySpan<byte> ModInfo(byte[] bytes, string path)
    {
        var file = new ForeignBytes(bytes, Step, path);
        if (!KernelElf.Looks(bytes) || file.U8(4) != 2 || file.U8(5) != 1 || file.U16(16) != Relocatable)
        {
            throw new GuestImageException(Step, path, "not a 64-bit kernel module");
        }

        int count = file.U16(60);
        int names = file.U16(62);
        if (file.U16(58) != SectionHeaderBytes || count > MaxSections || names >= count)
        {
            throw new GuestImageException(Step, path, $"damaged: {count} section headers of {file.U16(58)} bytes, names in number {names}");
        }

        var sections = new ForeignBytes(file.Slice(file.U64(40), (ulong)count * SectionHeaderBytes), Step, path);
        var text = new ForeignBytes(Content(file, sections, names), Step, path);
        for (int i = 0; i < count; i++)
        {
            if (text.Text(sections.U32((ulong)i * SectionHeaderBytes), MaxSectionName) == ".modinfo")
            {
                return Content(file, sections, i);
            }
        }

        throw new GuestImageException(Step, path, "it has no .modinfo section, so it is not a kernel module");
    }

    private static ReadOnlySpan<byte> Content(ForeignBytes file, ForeignBytes sections, int index)
    {
        ulong header = (ulong)index * SectionHeaderBytes;
        return file.Slice(sections.U64(header + 24), sections.U64(header + 32));
    }
}
