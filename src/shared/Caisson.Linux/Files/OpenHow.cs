using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct open_how of openat2(2), version 0.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    internal ulong Flags;
    internal ulong Mode;
    internal ulong Resolve;

    /// <summary>OPEN_HOW_SIZE_VER0.</summary>
    internal const nuint Size = 24;
}
