using System.Text;

namespace Caisson.GuestImage;

/// <summary>Where the kernel and its modules lie: given as files, or found in the root of an unpacked package.</summary>
internal sealed record KernelSource(string KernelPath, string ModulesDirectory)
{
    private const string Step = "find kernel";

    internal static KernelSource Find(string kernelImage, string? modulesDirectory)
    {
        if (File.Exists(kernelImage))
        {
            RefusePackage(kernelImage);
            return new KernelSource(kernelImage, modulesDirectory
                ?? throw new GuestImageException(Step, kernelImage, "this is a single file; give the kernel's modules (lib/modules/RELEASE) with --modules"));
        }

        if (!Directory.Exists(kernelImage))
        {
            throw new GuestImageException(Step, kernelImage, "no such file or directory");
        }

        return new KernelSource(
            Single(Directory.EnumerateFiles(Below(kernelImage, "boot"), "vmlinuz-*"), kernelImage, "boot/vmlinuz-*", "--kernel"),
            modulesDirectory ?? Single(Directory.EnumerateDirectories(ModulesRoot(kernelImage)), kernelImage, "lib/modules/*", "--modules"));
    }

    /// <summary>Whether the configuration beside the kernel, which packages have, says that unsigned modules are refused.</summary>
    internal bool RequiresSignatures()
    {
        string name = Path.GetFileName(KernelPath);
        string config = Path.Combine(Path.GetDirectoryName(KernelPath) ?? "", $"config-{name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..]}");
        return File.Exists(config) && Array.IndexOf(Encoding.UTF8.GetString(File.ReadAllBytes(config)).Split('\n'), "CONFIG_MODULE_SIG_FORCE=y") >= 0;
    }

    // Merged-/usr packages (Debian 13 and later) hold the modules below usr/lib.
    private static string ModulesRoot(string root)
    {
        string merged = Path.Combine(root, "usr/lib/modules");
        return Directory.Exists(merged) ? merged : Below(root, "lib/modules");
    }

    private static string Below(string root, string directory)
    {
        string path = Path.Combine(root, directory);
        return Directory.Exists(path) ? path : throw new GuestImageException(Step, root, $"not an unpacked kernel package: it has no {directory}");
    }

    private static string Single(IEnumerable<string> found, string root, string pattern, string option)
    {
        string[] all = [.. found];
        return all.Length == 1
            ? all[0]
            : throw new GuestImageException(Step, root, $"{all.Length} entries match {pattern} where one is needed; choose one with {option}");
    }

    private static void RefusePackage(string path)
    {
        Span<byte> start = stackalloc byte[8];
        using FileStream file = File.OpenRead(path);
        if (file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("!<arch>\n"u8))
        {
            throw new GuestImageException(Step, path, "this is a packed package; unpack it with `dpkg-deb -x FILE DIR` and give DIR");
        }
    }
}
