using System.Globalization;
using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct __user_cap_header_struct.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CapabilityHeader
{
    internal uint Version;
    internal int Pid;

    /// <summary>_LINUX_CAPABILITY_VERSION_3: 64 bits in two parts.</summary>
    internal const uint Version3 = 0x20080522;
}

/// <summary>Two of struct __user_cap_data_struct: the low and the high halves.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CapabilityData
{
    internal uint EffectiveLow;
    internal uint PermittedLow;
    internal uint InheritableLow;
    internal uint EffectiveHigh;
    internal uint PermittedHigh;
    internal uint InheritableHigh;
}

/// <summary>The calling thread's capabilities.</summary>
public static class Capabilities
{
    private static int s_last = -1;

    /// <summary>The highest capability that the running kernel knows. Found without /proc, so that it works inside a container being made.</summary>
    public static Capability Last
    {
        get
        {
            if (s_last < 0)
            {
                s_last = FindLast();
            }

            return (Capability)s_last;
        }
    }

    // The kernel knows all below the one that it does not know.
    private static int FindLast()
    {
        int known = 0;
        int unknown = 64;
        while (unknown - known > 1)
        {
            int middle = (known + unknown) / 2;
            (known, unknown) = Prctl.TryReadBounding((Capability)middle, out _) ? (middle, unknown) : (known, middle);
        }

        return known;
    }

    /// <summary>Every capability of the running kernel.</summary>
    public static CapabilitySet All => new(ulong.MaxValue >> (63 - (int)Last));

    /// <summary>The calling thread's five sets.</summary>
    public static CapabilitySets Get()
    {
        CapabilitySet ambient = default;
        for (Capability one = 0; one <= Last; one++)
        {
            ambient = Prctl.IsAmbient(one) ? ambient.With(one) : ambient;
        }

        return GetAllButAmbient() with { Ambient = ambient };
    }

    /// <summary>As <see cref="Get"/>, with an empty ambient set: the kernel is asked for that and for the bounding set capability by capability.</summary>
    public static CapabilitySets GetAllButAmbient()
    {
        var header = new CapabilityHeader { Version = CapabilityHeader.Version3 };
        Libc.Check(Libc.capget(ref header, out CapabilityData data), "capget");
        return new CapabilitySets(
            ReadBounding(),
            Join(data.EffectiveLow, data.EffectiveHigh),
            Join(data.PermittedLow, data.PermittedHigh),
            Join(data.InheritableLow, data.InheritableHigh),
            CapabilitySet.Empty);
    }

    /// <summary>
    /// Sets all five sets: bounding first (it needs CAP_SETPCAP), ambient last (it needs the others). What the kernel does not know is left out.
    /// A change of user comes between: use <see cref="DropBounding(CapabilitySet)"/>, keep capabilities, change the user, and <see cref="ApplyAfterUser"/>.
    /// </summary>
    public static void Apply(CapabilitySets sets)
    {
        DropBounding(sets.Bounding);
        ApplyAfterUser(sets);
    }

    /// <summary>Removes from the bounding set whatever is not in <paramref name="keep"/>.</summary>
    public static void DropBounding(CapabilitySet keep) => DropBounding(keep, ReadBounding());

    /// <inheritdoc cref="DropBounding(CapabilitySet)"/>
    /// <param name="keep">What stays.</param>
    /// <param name="present">The bounding set as it is: dropping what is gone already would need CAP_SETPCAP for nothing.</param>
    public static void DropBounding(CapabilitySet keep, CapabilitySet present)
    {
        CapabilitySet dropped = present.Except(keep);
        for (Capability one = 0; one <= Last; one++)
        {
            if (dropped.Contains(one))
            {
                Prctl.DropBounding(one);
            }
        }
    }

    /// <summary>Sets effective, permitted, inheritable and ambient.</summary>
    /// <exception cref="SyscallException">EPERM: a capability that is not permitted now, or an ambient one that is not inheritable.</exception>
    public static void ApplyAfterUser(CapabilitySets sets)
    {
        CapabilitySet effective = sets.Effective.Intersect(All);
        CapabilitySet permitted = sets.Permitted.Intersect(All);
        CapabilitySet inheritable = sets.Inheritable.Intersect(All);
        var header = new CapabilityHeader { Version = CapabilityHeader.Version3 };
        var data = new CapabilityData
        {
            EffectiveLow = (uint)effective.Bits,
            PermittedLow = (uint)permitted.Bits,
            InheritableLow = (uint)inheritable.Bits,
            EffectiveHigh = (uint)(effective.Bits >> 32),
            PermittedHigh = (uint)(permitted.Bits >> 32),
            InheritableHigh = (uint)(inheritable.Bits >> 32),
        };
        Libc.Check(Libc.capset(ref header, in data), "capset");
        Prctl.ClearAmbient();
        for (Capability one = 0; one <= Last; one++)
        {
            if (sets.Ambient.Contains(one))
            {
                Prctl.RaiseAmbient(one);
            }
        }
    }

    /// <summary>The text of /proc/PID/status lines such as <c>CapEff</c>.</summary>
    public static CapabilitySet ParseHex(string text) => new(ulong.Parse(text.Trim(), NumberStyles.HexNumber));

    private static CapabilitySet ReadBounding()
    {
        CapabilitySet bounding = default;
        for (Capability one = 0; one <= Last; one++)
        {
            bounding = Prctl.TryReadBounding(one, out bool bounded) && bounded ? bounding.With(one) : bounding;
        }

        return bounding;
    }

    private static CapabilitySet Join(uint low, uint high) => new(((ulong)high << 32) | low);
}
