using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct mount_attr of mount_setattr(2), version 0.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MountAttr
{
    internal ulong Set;
    internal ulong Clear;
    internal ulong Propagation;
    internal ulong UserNamespace;

    /// <summary>MOUNT_ATTR_SIZE_VER0.</summary>
    internal const nuint Size = 32;
}
