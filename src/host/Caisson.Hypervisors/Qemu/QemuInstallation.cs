namespace Caisson.Hypervisors;

/// <summary>QEMU as the distribution installed it, and all the files it opens before a guest runs.</summary>
/// <param name="Executable">The system emulator for x86-64.</param>
public sealed record QemuInstallation(string Executable)
{
    // Not by PATH: engines start us without one.
    private static readonly string[] s_executables =
        ["/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"];

    // Debian, Fedora, Arch, openSUSE.
    private static readonly string[] s_moduleDirectories =
        ["/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib64/qemu", "/usr/lib64/qemu-kvm", "/usr/lib/qemu", "/usr/local/lib/x86_64-linux-gnu/qemu"];

    private static readonly string[] s_firmwareDirectories =
        ["/usr/share/qemu", "/usr/share/seabios", "/usr/share/qemu-kvm", "/usr/local/share/qemu"];

    /// <summary>The first QEMU there is.</summary>
    /// <exception cref="HypervisorException">There is none.</exception>
    public static QemuInstallation Find(string? configured = null)
    {
        foreach (string candidate in configured is null ? s_executables : [configured])
        {
            if (File.Exists(candidate))
            {
                return new QemuInstallation(candidate);
            }
        }

        throw new HypervisorException(
            "find QEMU", $"there is no {configured ?? s_executables[0]}", "install it: apt install qemu-system-x86 (Fedora: dnf install qemu-system-x86-core)");
    }

    /// <summary>Everything QEMU needs in a root of its own, and the LD_LIBRARY_PATH by which it finds its libraries there.</summary>
    internal (IReadOnlyList<string> Files, string LibraryPath) Files()
    {
        var libraries = new SharedLibraries();
        List<string> files = [Executable];
        libraries.Add(Executable);
        foreach (string directory in s_moduleDirectories)
        {
            // The accelerator's translator is a module that QEMU loads by name; the other modules are devices that we leave out.
            string module = Path.Combine(directory, "accel-tcg-x86_64.so");
            if (File.Exists(module))
            {
                files.Add(module);
                libraries.Add(module);
            }
        }

        files.AddRange(Array.FindAll(s_firmwareDirectories, Directory.Exists));
        files.AddRange(libraries.Files);
        return (files, libraries.LibraryPath);
    }
}
