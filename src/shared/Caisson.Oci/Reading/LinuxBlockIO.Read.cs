namespace Caisson.Oci;

public sealed partial record LinuxBlockIO
{
    internal LinuxBlockIO(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "weight"u8)) { Weight = at.UInt16(); }
            else if (at.Is(ref fields, "leafWeight"u8)) { LeafWeight = at.UInt16(); }
            else if (at.Is(ref fields, "weightDevice"u8)) { WeightDevice = at.List(static (ref SpecCursor item) => new LinuxWeightDevice(ref item)); }
            else if (at.Is(ref fields, "throttleReadBpsDevice"u8)) { ThrottleReadBpsDevice = at.List(static (ref SpecCursor item) => new LinuxThrottleDevice(ref item)); }
            else if (at.Is(ref fields, "throttleWriteBpsDevice"u8)) { ThrottleWriteBpsDevice = at.List(static (ref SpecCursor item) => new LinuxThrottleDevice(ref item)); }
            else if (at.Is(ref fields, "throttleReadIOPSDevice"u8)) { ThrottleReadIopsDevice = at.List(static (ref SpecCursor item) => new LinuxThrottleDevice(ref item)); }
            else if (at.Is(ref fields, "throttleWriteIOPSDevice"u8)) { ThrottleWriteIopsDevice = at.List(static (ref SpecCursor item) => new LinuxThrottleDevice(ref item)); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxWeightDevice
{
    internal LinuxWeightDevice(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "major"u8)) { Major = at.Int64(); }
            else if (at.Is(ref fields, "minor"u8)) { Minor = at.Int64(); }
            else if (at.Is(ref fields, "weight"u8)) { Weight = at.UInt16(); }
            else if (at.Is(ref fields, "leafWeight"u8)) { LeafWeight = at.UInt16(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "major", "minor");
    }
}

public sealed partial record LinuxThrottleDevice
{
    internal LinuxThrottleDevice(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "major"u8)) { Major = at.Int64(); }
            else if (at.Is(ref fields, "minor"u8)) { Minor = at.Int64(); }
            else if (at.Is(ref fields, "rate"u8)) { Rate = at.UInt64(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "major", "minor", "rate");
    }
}
