using Caisson.Linux;

namespace Caisson.Containers;

/// <summary><c>linux.cgroupsPath</c> as a path below the root of every hierarchy, or, without a leading slash, below the creator's own cgroup.</summary>
internal static class CgroupPath
{
    internal static string Of(ContainerRequest request)
    {
        string? wanted = request.CgroupsPath ?? request.Spec.Linux?.CgroupsPath;
        return string.IsNullOrEmpty(wanted) ? $"/caisson-{request.Id}"
            : wanted.Contains(':', StringComparison.Ordinal) && !wanted.StartsWith('/') ? OfSystemd(wanted)
            : wanted.StartsWith('/') ? "/" + Normalize(wanted)
            : Normalize(wanted);
    }

    // slice:prefix:name, as engines write it for systemd's cgroup driver: the place that systemd would choose.
    private static string OfSystemd(string wanted)
    {
        string[] parts = wanted.Split(':');
        if (parts.Length != 3)
        {
            throw new ContainerException($"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{wanted}\" instead", Errno.EINVAL);
        }

        string slice = parts[0].Length == 0 ? "system.slice" : parts[0];
        string name = parts[2].EndsWith(".slice", StringComparison.Ordinal) ? parts[2]
            : parts[1].Length == 0 ? $"{parts[2]}.scope" : $"{parts[1]}-{parts[2]}.scope";
        return "/" + Normalize($"{Expand(slice)}/{name}");
    }

    // a-b.slice lies in a.slice (systemd.slice(5)).
    private static string Expand(string slice)
    {
        const string Suffix = ".slice";
        if (!slice.EndsWith(Suffix, StringComparison.Ordinal) || slice == "-.slice")
        {
            return slice == "-.slice" ? "" : slice;
        }

        string name = slice[..^Suffix.Length];
        string path = "";
        for (int dash = name.IndexOf('-'); dash >= 0; dash = name.IndexOf('-', dash + 1))
        {
            path += name[..dash] + Suffix + "/";
        }

        return path + slice;
    }

    // ".." must not lead above the hierarchy's root: it is dropped with what is before it.
    private static string Normalize(string path)
    {
        var kept = new List<string>();
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                kept.RemoveRange(Math.Max(0, kept.Count - 1), Math.Min(1, kept.Count));
            }
            else if (part != ".")
            {
                kept.Add(part);
            }
        }

        return string.Join('/', kept);
    }
}
