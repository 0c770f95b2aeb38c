namespace Caisson.Oci;

/// <summary>The virtual machine a container is to run in.</summary>
public sealed partial record OciVM
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciVM() { }

    /// <summary>The hypervisor.</summary>
    public VMHypervisor? Hypervisor { get; init; }

    /// <summary>The guest's kernel.</summary>
    public VMKernel? Kernel { get; init; }

    /// <summary>The guest's root image.</summary>
    public VMImage? Image { get; init; }

    /// <summary>The machine.</summary>
    public VMHwConfig? HwConfig { get; init; }
}

/// <summary>The hypervisor of a virtual machine.</summary>
public sealed partial record VMHypervisor
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public VMHypervisor() { }

    /// <summary>The program on the host.</summary>
    public string? Path { get; init; }

    /// <summary>Its parameters.</summary>
    public SpecList<string> Parameters { get; init; } = [];
}

/// <summary>The kernel of a virtual machine.</summary>
public sealed partial record VMKernel
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public VMKernel() { }

    /// <summary>The kernel on the host.</summary>
    public string? Path { get; init; }

    /// <summary>Its command line.</summary>
    public SpecList<string> Parameters { get; init; } = [];

    /// <summary>The initial RAM disk on the host.</summary>
    public string? InitRD { get; init; }
}

/// <summary>The root image of a virtual machine.</summary>
public sealed partial record VMImage
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public VMImage() { }

    /// <summary>The image on the host.</summary>
    public string? Path { get; init; }

    /// <summary>raw, qcow2, vdi, vmdk or vhd.</summary>
    public string? Format { get; init; }
}

/// <summary>The hardware of a virtual machine (runtime-spec 1.3).</summary>
public sealed partial record VMHwConfig
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public VMHwConfig() { }

    /// <summary>A device tree file on the host.</summary>
    public string? DeviceTree { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public uint? VCpus { get; init; }

    /// <summary>Bytes.</summary>
    public ulong? Memory { get; init; }

    /// <summary>Nodes of the host's device tree to pass through.</summary>
    public SpecList<string> DtDevs { get; init; } = [];

    /// <summary>I/O memory to map.</summary>
    public SpecList<VMIOMem> IOMems { get; init; } = [];

    /// <summary>Interrupts to pass through.</summary>
    public SpecList<uint> Irqs { get; init; } = [];
}

/// <summary>A range of I/O memory of the host that the guest sees.</summary>
public sealed partial record VMIOMem
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public VMIOMem() { }

    /// <summary>The first frame on the host.</summary>
    public ulong? FirstMfn { get; init; }

    /// <summary>How many frames.</summary>
    public ulong? NrMfns { get; init; }

    /// <summary>The first frame in the guest; as on the host when absent.</summary>
    public ulong? FirstGfn { get; init; }
}
