using System.Globalization;
using System.Text;

namespace Caisson.GuestImage;

/// <summary>
/// Turns a distribution's kernel and our agent into what a VM boots from: vmlinux (an ELF, entered by PVH) and initrd.img.
/// The same inputs give the same bytes, and a second build from the same inputs writes nothing.
/// </summary>
public static class GuestImageBuilder
{
    public const string KernelFileName = "vmlinux";
    public const string InitrdFileName = "initrd.img";

    // The kernel unpacks the initrd into guest memory at every boot, so its size is paid by every VM.
    private const long InitrdBudgetBytes = 10_000_000;
    private const long MaxInputBytes = 256 << 20;      // a bzImage is 8 to 20 MB, an uncompressed vmlinux 30 to 80 MB

    /// <param name="options">What to build from, and where to.</param>
    /// <param name="progress">Gets one line for every step that may take long.</param>
    /// <exception cref="GuestImageException">An input is missing or damaged, or an output cannot be written.</exception>
    public static GuestImageResult Build(GuestImageOptions options, Action<string> progress)
    {
        try
        {
            return BuildLocked(options, progress);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new GuestImageException("build in", options.OutputDirectory, cause);
        }
    }

    private static GuestImageResult BuildLocked(GuestImageOptions options, Action<string> progress)
    {
        KernelSource source = KernelSource.Find(options.KernelImage, options.ModulesDirectory);
        byte[] kernelFile = ReadInput("read kernel", source.KernelPath);
        byte[] agent = ReadAgent(options.AgentPath);
        GuestModules modules = GuestModules.Resolve(ModuleTree.Open(source.ModulesDirectory));
        if (!options.KeepSignatures && !source.RequiresSignatures())
        {
            modules.DropSignatures();
        }

        string release = BzImage.Looks(kernelFile) ? BzImage.Release(kernelFile, source.KernelPath) : "";
        CheckRelease(modules, release, source);

        Directory.CreateDirectory(options.OutputDirectory);
        using FileStream held = Lock(options.OutputDirectory);
        string kernelPath = Path.Combine(options.OutputDirectory, KernelFileName);
        string initrdPath = Path.Combine(options.OutputDirectory, InitrdFileName);
        string inputs = HashInputs(kernelFile, agent, modules, options.KernelCommandLineDefaults);
        if (!options.Force && IsUpToDate(options.OutputDirectory, kernelPath, initrdPath, inputs))
        {
            progress($"up to date: {options.OutputDirectory}");
            return new GuestImageResult(kernelPath, initrdPath, release, WasUpToDate: true);
        }

        long kernelBytes = WriteKernel(kernelFile, source.KernelPath, kernelPath, progress);
        long initrdBytes = WriteInitrd(agent, modules, initrdPath, progress);
        new BuildRecord(inputs, release, options.KernelCommandLineDefaults, kernelBytes, initrdBytes).Write(options.OutputDirectory);
        return new GuestImageResult(kernelPath, initrdPath, release, WasUpToDate: false);
    }

    private static long WriteKernel(byte[] file, string path, string output, Action<string> progress)
    {
        if (KernelElf.Looks(file))
        {
            progress($"kernel: {path} is an ELF file already");
        }
        else
        {
            progress($"kernel: decompressing {path}");
            file = KernelPayload.Decompress(BzImage.Payload(file, path), path);
        }

        KernelElf kernel = KernelElf.Parse(file, path);
        long bytes = AtomicFile.Write(output, stream => LoadableKernel.Write(kernel, stream));
        progress($"kernel: wrote {output}, {Megabytes(bytes)} (entered by PVH at 0x{kernel.PvhEntry:x})");
        return bytes;
    }

    private static long WriteInitrd(byte[] agent, GuestModules modules, string output, Action<string> progress)
    {
        long moduleBytes = 0;
        foreach (ModuleFile module in modules.Modules)
        {
            moduleBytes += module.Bytes.Length;
        }

        progress($"initrd: agent {Megabytes(agent.Length)}, {modules.Modules.Count} modules {Megabytes(moduleBytes)}");
        if (modules.Missing.Count > 0)
        {
            progress($"initrd: this kernel has nothing for: {string.Join(", ", modules.Missing)}");
        }

        long bytes = AtomicFile.Write(output, stream => InitrdImage.Write(stream, agent, modules));
        progress($"initrd: wrote {output}, {Megabytes(bytes)}");
        if (bytes > InitrdBudgetBytes)
        {
            progress($"initrd: warning: more than the budget of {Megabytes(InitrdBudgetBytes)}, paid by every VM in memory");
        }

        return bytes;
    }

    private static byte[] ReadAgent(string path)
    {
        byte[] agent = ReadInput("read agent", path);
        if (!KernelElf.Looks(agent))
        {
            throw new GuestImageException("read agent", path, "not an ELF executable, so the guest's kernel could not run it as /init");
        }

        return agent;
    }

    private static byte[] ReadInput(string step, string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new GuestImageException(step, path, "no such file");
        }

        return file.Length <= MaxInputBytes
            ? File.ReadAllBytes(path)
            : throw new GuestImageException(step, path, $"{file.Length} bytes is more than is plausible ({MaxInputBytes})");
    }

    private static void CheckRelease(GuestModules modules, string release, KernelSource source)
    {
        foreach (ModuleFile module in modules.Modules)
        {
            if (release.Length > 0 && module.KernelRelease.Length > 0 && module.KernelRelease != release)
            {
                throw new GuestImageException("find modules", source.ModulesDirectory,
                    $"{module.Name} is built for {module.KernelRelease}, the kernel is {release}; give both from the same package");
            }
        }
    }

    private static string HashInputs(byte[] kernel, byte[] agent, GuestModules modules, string commandLine)
    {
        var hash = new Sha256();
        AppendText(hash, $"caisson guest image {BuildRecord.FormatVersion}\n{commandLine}\n{modules.OrderText()}");
        AppendFile(hash, kernel);
        AppendFile(hash, agent);
        foreach (ModuleFile module in modules.Modules)
        {
            AppendFile(hash, module.Bytes);
        }

        return hash.Finish();
    }

    // The length goes first, so that moving bytes from one file to the next changes the hash.
    private static void AppendFile(Sha256 hash, byte[] bytes)
    {
        AppendText(hash, $"{bytes.Length}\n");
        hash.Append(bytes);
    }

    private static void AppendText(Sha256 hash, string text) => hash.Append(Encoding.UTF8.GetBytes(text));

    private static bool IsUpToDate(string directory, string kernelPath, string initrdPath, string inputs) =>
        BuildRecord.TryRead(directory) is BuildRecord record
        && record.Inputs == inputs
        && new FileInfo(kernelPath) is { Exists: true } kernel && kernel.Length == record.KernelBytes
        && new FileInfo(initrdPath) is { Exists: true } initrd && initrd.Length == record.InitrdBytes;

    /// <summary>One build at a time in a directory, or the two files and the record could come from different builds.</summary>
    private static FileStream Lock(string directory)
    {
        string path = Path.Combine(directory, ".lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException cause)
        {
            throw new GuestImageException("lock", path, $"another build is running there, or: {cause.Message}");
        }
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
