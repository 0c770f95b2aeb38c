namespace Caisson.Linux;

/// <summary>Block I/O limits by cgroup v1 files, whose names depend on the kernel's scheduler: CFQ until 4.20, BFQ since.</summary>
internal static class LegacyBlockLimits
{
    internal static void Apply(Cgroup cgroup, CgroupBlockLimits block)
    {
        string directory = cgroup.Require("blkio", "a block I/O limit");
        if (block.Weight is { } weight)
        {
            WriteEither(directory, "blkio.weight", "blkio.bfq.weight", $"{weight}");
        }

        if (block.LeafWeight is { } leaf)
        {
            CgroupFile.Write(directory, "blkio.leaf_weight", $"{leaf}");
        }

        foreach (BlockDeviceWeight device in block.DeviceWeights)
        {
            if (device.Weight is { } own)
            {
                WriteEither(directory, "blkio.weight_device", "blkio.bfq.weight_device", $"{device.Major}:{device.Minor} {own}");
            }

            if (device.LeafWeight is { } below)
            {
                CgroupFile.Write(directory, "blkio.leaf_weight_device", $"{device.Major}:{device.Minor} {below}");
            }
        }

        foreach (BlockDeviceThrottle throttle in block.Throttles)
        {
            CgroupFile.Write(directory, FileOf(throttle.Kind), $"{throttle.Major}:{throttle.Minor} {throttle.Rate}");
        }
    }

    private static string FileOf(BlockThrottleKind kind) => kind switch
    {
        BlockThrottleKind.ReadBytes => "blkio.throttle.read_bps_device",
        BlockThrottleKind.WriteBytes => "blkio.throttle.write_bps_device",
        BlockThrottleKind.ReadOperations => "blkio.throttle.read_iops_device",
        BlockThrottleKind.WriteOperations => "blkio.throttle.write_iops_device",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static void WriteEither(string directory, string file, string otherFile, string value)
    {
        if (CgroupFile.TryWrite(directory, file, value, out Errno why))
        {
            return;
        }

        if (why != Errno.ENOENT)
        {
            throw CgroupFile.Failed(directory, file, value, why);
        }

        CgroupFile.Write(directory, otherFile, value);
    }
}
