using System.Diagnostics.CodeAnalysis;

namespace Caisson.Containers;

/// <summary>Where systemd would put a unit: the one reading of <c>slice:prefix:name</c>, as engines write it for systemd's cgroup driver.</summary>
public static class SystemdUnit
{
    /// <summary>The slice of what names none.</summary>
    public const string DefaultSlice = "system.slice";

    private const string SliceSuffix = ".slice";

    /// <summary>Reads the three parts.</summary>
    /// <param name="written">The configuration's linux.cgroupsPath.</param>
    /// <param name="path">From the hierarchy's root, beginning with a slash.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryPlace(string written, [NotNullWhen(true)] out string? path, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(written);
        string[] parts = written.Split(':');
        if (parts.Length != 3)
        {
            (path, problem) = (null, $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{written}\" instead");
            return false;
        }

        string slice = parts[0].Length == 0 ? DefaultSlice : parts[0];
        foreach (string part in (string[])[slice, parts[1], parts[2]])
        {
            if (part.Contains('/') || part is "..")
            {
                (path, problem) = (null, $"\"{part}\" in \"{written}\" is not the name of a systemd unit");
                return false;
            }
        }

        if (!slice.EndsWith(SliceSuffix, StringComparison.Ordinal))
        {
            (path, problem) = (null, $"\"{slice}\" is not the name of a systemd slice");
            return false;
        }

        (path, problem) = ($"{Ancestors(slice)}/{Unit(parts[1], parts[2])}", null);
        return true;
    }

    // A unit that is itself a slice gets no scope.
    private static string Unit(string prefix, string name) => name.EndsWith(SliceSuffix, StringComparison.Ordinal) ? name
        : prefix.Length == 0 ? $"{name}.scope" : $"{prefix}-{name}.scope";

    // A slice's name carries its ancestors (systemd.slice(5)): a-b.slice lies in a.slice, and -.slice is the root.
    private static string Ancestors(string slice)
    {
        if (slice == "-.slice")
        {
            return "";
        }

        string path = "";
        for (int dash = slice.IndexOf('-'); dash >= 0; dash = slice.IndexOf('-', dash + 1))
        {
            path += $"/{slice[..dash]}{SliceSuffix}";
        }

        return $"{path}/{slice}";
    }
}
