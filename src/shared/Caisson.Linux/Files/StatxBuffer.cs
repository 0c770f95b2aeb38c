using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct statx (include/uapi/linux/stat.h): 256 bytes, of which we name what we read.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatxBuffer
{
    [FieldOffset(0)] internal uint Mask;
    [FieldOffset(16)] internal uint Links;
    [FieldOffset(20)] internal uint UserId;
    [FieldOffset(24)] internal uint GroupId;
    [FieldOffset(28)] internal ushort Mode;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(40)] internal ulong Size;
    [FieldOffset(112)] internal long ModifiedSeconds;
    [FieldOffset(120)] internal uint ModifiedNanoseconds;
    [FieldOffset(128)] internal uint NodeMajor;
    [FieldOffset(132)] internal uint NodeMinor;
    [FieldOffset(136)] internal uint DeviceMajor;
    [FieldOffset(140)] internal uint DeviceMinor;
    [FieldOffset(144)] internal ulong MountId;

    internal readonly FileStatus ToStatus() => new(
        (FileType)(Mode & 0xF000),
        (uint)Mode & 0xFFF,
        UserId,
        GroupId,
        Links,
        Size,
        Inode,
        new DeviceNumber(DeviceMajor, DeviceMinor),
        new DeviceNumber(NodeMajor, NodeMinor),
        MountId,
        (ModifiedSeconds * 1_000_000_000) + ModifiedNanoseconds);
}
