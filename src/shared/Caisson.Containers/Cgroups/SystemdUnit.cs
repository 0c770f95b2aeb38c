using System.Diagnostics.CodeAnalysis;

namespace Caisson.Containers;

/// <summary>
/// The systemd unit that holds a container's cgroup, a scope in a slice or a slice itself: the one reading of <c>slice:prefix:name</c>, as
/// engines write it for systemd's cgroup driver.
/// </summary>
/// <param name="Name">The unit's name.</param>
/// <param name="Slice">The slice that it is in.</param>
public readonly record struct SystemdUnit(string Name, string Slice)
{
    /// <summary>The slice of what names none.</summary>
    public const string DefaultSlice = "system.slice";

    private const string SliceSuffix = ".slice";

    /// <summary>Whether it is a slice, which holds no process by itself.</summary>
    public bool IsSlice => Name.EndsWith(SliceSuffix, StringComparison.Ordinal);

    /// <summary>From the root of the manager's units, beginning with a slash. A slice is where its own name says.</summary>
    public string Path => IsSlice ? PathOf(Name) : $"{PathOf(Slice)}/{Name}";

    /// <summary>Reads the three parts.</summary>
    /// <param name="written">The configuration's linux.cgroupsPath.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <param name="defaultSlice">The slice of what names none.</param>
    public static bool TryParse(string written, out SystemdUnit unit, [NotNullWhen(false)] out string? problem, string defaultSlice = DefaultSlice)
    {
        ArgumentNullException.ThrowIfNull(written);
        unit = default;
        string[] parts = written.Split(':');
        if (parts.Length != 3)
        {
            problem = $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{written}\" instead";
            return false;
        }

        string slice = parts[0].Length == 0 ? defaultSlice : parts[0];
        string name = parts[2].EndsWith(SliceSuffix, StringComparison.Ordinal) ? parts[2]
            : parts[1].Length == 0 ? $"{parts[2]}.scope" : $"{parts[1]}-{parts[2]}.scope";
        problem = !IsSliceName(slice) ? $"\"{slice}\" is not the name of a systemd slice"
            : name.Contains('/', StringComparison.Ordinal) || (name.EndsWith(SliceSuffix, StringComparison.Ordinal) && !IsSliceName(name))
                ? $"\"{name}\" is not the name of a systemd unit"
            : null;
        unit = new SystemdUnit(name, slice);
        return problem is null;
    }

    // systemd.slice(5): a-b.slice lies in a.slice, -.slice is the root, and no part is empty.
    private static bool IsSliceName(string slice) =>
        slice == "-.slice"
        || (slice.EndsWith(SliceSuffix, StringComparison.Ordinal) && slice.Length > SliceSuffix.Length && slice[0] != '-'
            && !slice.Contains('/', StringComparison.Ordinal) && !slice.Contains("--", StringComparison.Ordinal)
            && slice[^(SliceSuffix.Length + 1)] != '-');

    private static string PathOf(string slice)
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
