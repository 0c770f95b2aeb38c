namespace Caisson.Sandboxes;

/// <summary>What the administrator of this machine has set; null where nothing is set and the built-in default holds.</summary>
public sealed record Configuration
{
    /// <summary>Nothing set.</summary>
    public static readonly Configuration Empty = new();

    /// <summary><c>isolation</c>: of containers that ask for none.</summary>
    public Isolation? Isolation { get; init; }

    /// <summary><c>allowedAnnotations</c>: which annotations of a config.json count; a workload's author writes those.</summary>
    public IReadOnlyList<string> AllowedAnnotations { get; init; } = [];

    /// <summary><c>vm</c>: the virtual machines.</summary>
    public VmConfiguration Vm { get; init; } = new();

    public bool AllowsAnnotation(string name)
    {
        foreach (string allowed in AllowedAnnotations)
        {
            if (allowed == name || allowed == "*")
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>The <c>vm</c> object of the configuration.</summary>
public sealed record VmConfiguration
{
    /// <summary><c>vm.qemu</c>: the emulator's path.</summary>
    public string? Qemu { get; init; }

    /// <summary><c>vm.virtiofsd</c>: the file server's path.</summary>
    public string? Virtiofsd { get; init; }

    /// <summary><c>vm.kernel</c>: the guest kernel, an ELF image that boots by PVH.</summary>
    public string? Kernel { get; init; }

    /// <summary><c>vm.initrd</c>: the guest's initial file system.</summary>
    public string? Initrd { get; init; }

    /// <summary><c>vm.accelerator</c>: auto, kvm or tcg.</summary>
    public string? Accelerator { get; init; }

    /// <summary><c>vm.network</c>: how pods' interfaces reach into machines.</summary>
    public string? Network { get; init; }

    /// <summary><c>vm.vcpus</c>: of a machine whose containers ask for no more.</summary>
    public int? Vcpus { get; init; }

    /// <summary><c>vm.memoryMiB</c>: of a machine before its containers' limits are added.</summary>
    public int? MemoryMiB { get; init; }

    /// <summary>
    /// <c>vm.allowedPaths</c>: programs, kernels and initrds that the <c>vm</c> object of a config.json may name; one that ends in a
    /// slash allows what lies below it.
    /// </summary>
    public IReadOnlyList<string> AllowedPaths { get; init; } = [];

    /// <summary><c>vm.kernelParameters</c>: appended to the guest kernel's command line; of two equal keys the kernel takes the last.</summary>
    public IReadOnlyList<string> KernelParameters { get; init; } = [];
}
