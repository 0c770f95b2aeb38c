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

    private static string OfSystemd(string wanted) => SystemdUnit.TryParse(wanted, out SystemdUnit unit, out string? problem)
        ? unit.Path
        : throw new ContainerException(problem, Errno.EINVAL);

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
