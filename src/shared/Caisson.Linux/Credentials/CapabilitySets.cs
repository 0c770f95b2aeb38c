using System.Numerics;

namespace Caisson.Linux;

/// <summary>A set of capabilities: bit n is capability n.</summary>
/// <param name="Bits">The kernel's form.</param>
public readonly record struct CapabilitySet(ulong Bits)
{
    /// <summary>No capability.</summary>
    public static CapabilitySet Empty => default;

    /// <summary>How many there are.</summary>
    public int Count => BitOperations.PopCount(Bits);

    /// <summary>A set of some.</summary>
    public static CapabilitySet Of(params ReadOnlySpan<Capability> capabilities)
    {
        ulong bits = 0;
        foreach (Capability capability in capabilities)
        {
            bits |= 1UL << (int)capability;
        }

        return new CapabilitySet(bits);
    }

    /// <summary>Whether one is in the set.</summary>
    public bool Contains(Capability capability) => (Bits & (1UL << (int)capability)) != 0;

    /// <summary>The set with one more.</summary>
    public CapabilitySet With(Capability capability) => new(Bits | (1UL << (int)capability));

    /// <summary>What is in both.</summary>
    public CapabilitySet Intersect(CapabilitySet other) => new(Bits & other.Bits);

    /// <summary>What is in either.</summary>
    public CapabilitySet Union(CapabilitySet other) => new(Bits | other.Bits);

    /// <summary>What is in this but not in the other.</summary>
    public CapabilitySet Except(CapabilitySet other) => new(Bits & ~other.Bits);
}

/// <summary>The five sets of a thread (capabilities(7)).</summary>
/// <param name="Bounding">What execve can ever give.</param>
/// <param name="Effective">What counts now.</param>
/// <param name="Permitted">What effective may hold.</param>
/// <param name="Inheritable">What execve of a file with inheritable capabilities keeps.</param>
/// <param name="Ambient">What execve of any file keeps; only what is permitted and inheritable can be in it.</param>
public readonly record struct CapabilitySets(
    CapabilitySet Bounding, CapabilitySet Effective, CapabilitySet Permitted, CapabilitySet Inheritable, CapabilitySet Ambient);
