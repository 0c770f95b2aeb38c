namespace Caisson.Oci;

/// <summary>Block I/O limits.</summary>
public sealed partial record LinuxBlockIO
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxBlockIO() { }

    /// <summary>Relative weight, 10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Weight against the cgroup's own children; obsolete.</summary>
    public ushort? LeafWeight { get; init; }

    /// <summary>Weights by device.</summary>
    public SpecList<LinuxWeightDevice> WeightDevice { get; init; } = [];

    /// <summary>Bytes read per second.</summary>
    public SpecList<LinuxThrottleDevice> ThrottleReadBpsDevice { get; init; } = [];

    /// <summary>Bytes written per second.</summary>
    public SpecList<LinuxThrottleDevice> ThrottleWriteBpsDevice { get; init; } = [];

    /// <summary>Reads per second.</summary>
    public SpecList<LinuxThrottleDevice> ThrottleReadIopsDevice { get; init; } = [];

    /// <summary>Writes per second.</summary>
    public SpecList<LinuxThrottleDevice> ThrottleWriteIopsDevice { get; init; } = [];
}

/// <summary>The weight of one block device.</summary>
public sealed partial record LinuxWeightDevice
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxWeightDevice() { }

    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>The weight.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Weight against the cgroup's own children; obsolete.</summary>
    public ushort? LeafWeight { get; init; }
}

/// <summary>The rate of one block device.</summary>
public sealed partial record LinuxThrottleDevice
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxThrottleDevice() { }

    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>The rate.</summary>
    public ulong Rate { get; init; }
}
