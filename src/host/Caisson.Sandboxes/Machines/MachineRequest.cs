using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// The <c>vm</c> object of a configuration. Its author is not trusted: the paths count only where the administrator's configuration has
/// them (<see cref="VmConfiguration.AllowedPaths"/>), and the size is a least one. The rest is refused by <see cref="Refusals"/>.
/// </summary>
internal static class MachineRequest
{
    private const ulong BytesPerMib = 1 << 20;

    // As the configuration's own bounds (ConfigurationReader).
    private const uint MaxVcpus = 255;
    private const ulong MaxMemoryMib = 1 << 22;

    /// <summary>What the machine is started from, once the request is honoured.</summary>
    /// <exception cref="SandboxException">A path that is not allowed, or a size that no machine has.</exception>
    internal static MachineAssets Apply(MachineAssets assets, OciVM? vm) => vm is null ? assets : assets with
    {
        Qemu = Allowed(vm.Hypervisor?.Path, "vm.hypervisor.path", assets) ?? assets.Qemu,
        Kernel = Allowed(vm.Kernel?.Path, "vm.kernel.path", assets) ?? assets.Kernel,
        Initrd = Allowed(vm.Kernel?.InitRD, "vm.kernel.initrd", assets) ?? assets.Initrd,
        Configured = vm.HwConfig is { } hardware ? Sized(assets.Configured, hardware) : assets.Configured,
    };

    private static VmConfiguration Sized(VmConfiguration configured, VMHwConfig hardware)
    {
        ulong memoryMib = ((hardware.Memory ?? 0) + BytesPerMib - 1) / BytesPerMib;
        if (hardware.VCpus > MaxVcpus)
        {
            throw new SandboxException($"{SpecReader.ConfigFileName}: vm.hwConfig.vcpus: {hardware.VCpus}: a machine has at most {MaxVcpus}");
        }

        if (hardware.Memory > MaxMemoryMib * BytesPerMib)
        {
            throw new SandboxException($"{SpecReader.ConfigFileName}: vm.hwConfig.memory: {hardware.Memory}: a machine has at most {MaxMemoryMib} MiB");
        }

        return configured with
        {
            Vcpus = Math.Max((int)(hardware.VCpus ?? 0), configured.Vcpus ?? 1),
            MemoryMiB = Math.Max((int)memoryMib, configured.MemoryMiB ?? MachineSize.DefaultMemoryMib),
        };
    }

    private static string? Allowed(string? path, string field, MachineAssets assets)
    {
        if (path is null)
        {
            return null;
        }

        foreach (string allowed in assets.Configured.AllowedPaths)
        {
            // Below a directory only by a plain path: ".." would lead out of it.
            if (path == allowed || (allowed.EndsWith('/') && path.StartsWith(allowed, StringComparison.Ordinal) && Path.GetFullPath(path) == path))
            {
                return path;
            }
        }

        throw new SandboxException(
            $"{SpecReader.ConfigFileName}: {field}: {path}: not among vm.allowedPaths of the administrator's configuration; add it there, or leave it out");
    }
}
