using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>The five sets of a configuration, cut down to what this host can give; the specification wants a warning for the rest, not a failure.</summary>
internal static class CapabilityPlan
{
    internal static CapabilitySets Of(OciCapabilities? wanted, CapabilitySets own, Action<string> warn)
    {
        if (wanted is null)
        {
            return default;
        }

        CapabilitySet refused = default;
        var unknown = new List<string>();
        CapabilitySet bounding = Read(wanted.Bounding, own.Bounding, ref refused, unknown);
        CapabilitySet permitted = Read(wanted.Permitted, own.Permitted, ref refused, unknown);
        CapabilitySet effective = Read(wanted.Effective, own.Permitted, ref refused, unknown).Intersect(permitted);
        CapabilitySet inheritable = Read(wanted.Inheritable, own.Permitted.Intersect(bounding), ref refused, unknown);

        // The kernel refuses an ambient capability that is not also permitted and inheritable.
        CapabilitySet ambient = Read(wanted.Ambient, own.Permitted, ref refused, unknown).Intersect(permitted).Intersect(inheritable);
        if (unknown.Count > 0)
        {
            warn($"ignoring unknown or unavailable capabilities: [{string.Join(' ', unknown)}]");
        }

        if (refused != default)
        {
            warn($"capabilities that cannot be granted here: {Names(refused)}");
        }

        return new CapabilitySets(bounding, effective, permitted, inheritable, ambient);
    }

    private static CapabilitySet Read(SpecList<string> names, CapabilitySet available, ref CapabilitySet refused, List<string> unknown)
    {
        CapabilitySet set = default;
        foreach (string name in names)
        {
            if (CapabilityNames.TryParse(name, out Capability capability))
            {
                set = set.With(capability);
            }
            else if (!unknown.Contains(name))
            {
                unknown.Add(name);
            }
        }

        refused = refused.Union(set.Except(available));
        return set.Intersect(available);
    }

    private static string Names(CapabilitySet set)
    {
        var names = new List<string>();
        for (Capability one = 0; (int)one < 64; one++)
        {
            if (set.Contains(one))
            {
                names.Add(one.Name());
            }
        }

        return string.Join(", ", names);
    }
}
