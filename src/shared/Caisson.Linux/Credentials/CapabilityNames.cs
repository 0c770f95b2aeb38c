namespace Caisson.Linux;

/// <summary>Names of capabilities, as configurations write them.</summary>
public static class CapabilityNames
{
    /// <summary>The name with its prefix, such as <c>CAP_NET_RAW</c>; <c>CAP_41</c> for one we have no name for.</summary>
    public static string Name(this Capability capability) => Enum.IsDefined(capability) ? capability.ToString() : $"CAP_{(int)capability}";

    /// <summary>Reads a name with or without <c>CAP_</c>, in any case.</summary>
    public static bool TryParse(string name, out Capability capability)
    {
        capability = default;
        string full = name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? name : "CAP_" + name;

        // Enum.TryParse would take "CAP_1, CAP_2" lists; every defined name is letters and underscores.
        return !full.Contains(',') && Enum.TryParse(full, ignoreCase: true, out capability) && Enum.IsDefined(capability);
    }
}
