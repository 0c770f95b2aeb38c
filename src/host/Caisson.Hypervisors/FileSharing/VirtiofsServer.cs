using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// virtiofsd: serves one directory to one guest. It must be root to act as any user of the container, so it gets less of a jail
/// than QEMU; its own sandbox (namespaces, pivot_root into the directory, a list of system calls) comes on top.
/// </summary>
public static class VirtiofsServer
{
    // QEMU's own (Debian 12), then the one in Rust by the names distributions give it. Both take the options below.
    private static readonly string[] s_executables = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/local/libexec/virtiofsd"];

    /// <summary>Its listening socket.</summary>
    internal const int Socket = 4;

    // virtiofsd asks for a million; one per file the guest has in its cache, so plenty is right.
    private const ulong OpenFiles = 1_000_000;

    /// <summary>What it needs to build its sandbox, and to keep owners, modes, device nodes and file capabilities as the guest sets them.</summary>
    private static readonly CapabilitySet s_capabilities = CapabilitySet.Of(
        Capability.CAP_CHOWN, Capability.CAP_DAC_OVERRIDE, Capability.CAP_DAC_READ_SEARCH, Capability.CAP_FOWNER, Capability.CAP_FSETID,
        Capability.CAP_SETGID, Capability.CAP_SETUID, Capability.CAP_MKNOD, Capability.CAP_SETFCAP, Capability.CAP_SETPCAP,
        Capability.CAP_SYS_ADMIN, Capability.CAP_SYS_CHROOT, Capability.CAP_SYS_RESOURCE);

    /// <exception cref="HypervisorException">No virtiofsd is installed.</exception>
    public static string Find(string? configured = null)
    {
        foreach (string candidate in configured is null ? s_executables : [configured])
        {
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new HypervisorException(
            "find virtiofsd", $"there is no {configured ?? s_executables[0]}", "install it: apt install qemu-system-common (Debian 13 and Fedora: virtiofsd)");
    }

    /// <summary>Its arguments. What the host changes is seen within a second.</summary>
    internal static IReadOnlyList<string> Arguments(string executable, string directory)
    {
        if (directory.Contains(',') || directory.Contains('\\'))
        {
            throw new HypervisorException("share files", $"{directory} has a comma or backslash in it, which virtiofsd's options cannot carry");
        }

        // announce_submounts: the guest sees each mount below as a file system of its own, or equal inode numbers would clash.
        return [$"--fd={Socket}", "-o", $"source={directory},{Caching(executable)},xattr,announce_submounts,sandbox=namespace"];
    }

    // With cache=auto every open drops what the guest holds of the file: each execution of a program reads it again, and under TCG
    // translates it again, 80 ms for busybox instead of 6. With always it is kept while size and time of change are the same, which is
    // looked after once a second as with auto, but by this option only, which the server in Rust does not have.
    private static string Caching(string executable) => executable.EndsWith("/qemu/virtiofsd", StringComparison.Ordinal) ? "cache=always,timeout=1" : "cache=auto";

    /// <summary>Starts it on a socket that is listening already.</summary>
    internal static ClonedProcess Start(LauncherProgram launcher, string executable, string directory, UnixSocket listening, FileDescriptor errors)
    {
        var instructions = new JailInstructions
        {
            Executable = executable,
            Arguments = Arguments(executable, directory),
            Capabilities = s_capabilities,
            OpenFiles = OpenFiles,
        };
        return JailedProcess.Start(launcher, instructions, new Dictionary<int, FileDescriptor> { [Socket] = listening }, errors, JailedProcess.AllNamespaces);
    }
}
