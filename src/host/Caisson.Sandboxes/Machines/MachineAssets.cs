using Caisson.Hypervisors;

namespace Caisson.Sandboxes;

/// <summary>What a virtual machine is started from, found once for a command.</summary>
/// <param name="Qemu">qemu-system-x86_64.</param>
/// <param name="FileServer">virtiofsd; null lets the usual places be searched.</param>
/// <param name="Kernel">The guest's vmlinux.</param>
/// <param name="Initrd">The guest's initrd with the agent.</param>
/// <param name="Accelerator"><c>auto</c>, <c>kvm</c> or <c>tcg</c>; what auto means is found out by a functional probe, not by /dev/kvm.</param>
/// <param name="Configured">The configuration: the size of a machine whose containers ask for no more, and kernel parameters.</param>
public sealed record MachineAssets(string Qemu, string? FileServer, string Kernel, string Initrd, string Accelerator, VmConfiguration Configured)
{
    /// <summary>Whether the guest's kernel and agent write all they have to say to the console log.</summary>
    public bool Debug { get; init; }

    /// <summary>Tells a re-executed command where its executable lies: it runs from a stand-in without a path.</summary>
    public const string ExecutableVariable = "CAISSON_EXECUTABLE";

    /// <summary>Finds them: configured paths first, then beside the executable, then in PREFIX/share.</summary>
    /// <exception cref="SandboxException">One is missing; says which, where it was looked for, and how it is made.</exception>
    public static MachineAssets Find(VmConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        try
        {
            string qemu = QemuInstallation.Find(configuration.Qemu).Executable;
            return new MachineAssets(
                qemu,
                configuration.Virtiofsd,
                Asset(configuration.Kernel, "vmlinux", "vm.kernel"),
                Asset(configuration.Initrd, "initrd.img", "vm.initrd"),
                configuration.Accelerator ?? "auto",
                configuration);
        }
        catch (HypervisorException cause)
        {
            throw new SandboxException(cause.Message, cause);
        }
    }

    private static string Asset(string? configured, string name, string key)
    {
        string own = Path.GetDirectoryName(Environment.GetEnvironmentVariable(ExecutableVariable) ?? Environment.ProcessPath) ?? "/";
        string[] places = configured is not null
            ? [configured]
            : [Path.Combine(own, "guest", name), Path.GetFullPath(Path.Combine(own, "../share/caisson/guest", name))];
        return Array.Find(places, File.Exists) ?? throw new SandboxException(
            $"vm: find the guest's {name}: there is no {string.Join(" and no ", places)}; `caisson guest build` makes it, or set {key} in /etc/caisson/config.json");
    }
}
