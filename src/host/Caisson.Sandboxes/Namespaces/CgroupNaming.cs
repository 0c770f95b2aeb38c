using Caisson.Containers;

namespace Caisson.Sandboxes;

/// <summary>Which cgroup a container gets.</summary>
internal static class CgroupNaming
{
    // One directory, without a common parent: that would be left behind when the last container goes, or be removed under the next one.
    private const string DefaultPrefix = "/caisson-";

    /// <param name="id">The container.</param>
    /// <param name="cgroupsPath">The configuration's linux.cgroupsPath, if any.</param>
    /// <param name="systemd">Whether that is written as <c>slice:prefix:name</c>.</param>
    /// <exception cref="SandboxException">Not in that form.</exception>
    internal static string PathFor(string id, string? cgroupsPath, bool systemd)
    {
        if (string.IsNullOrEmpty(cgroupsPath) && !systemd)
        {
            return DefaultPrefix + id;
        }

        if (!systemd)
        {
            // From the hierarchies' roots, and never above them.
            return Path.GetFullPath("/" + cgroupsPath);
        }

        string unit = string.IsNullOrEmpty(cgroupsPath) ? $"{SystemdUnit.DefaultSlice}:caisson:{id}" : cgroupsPath;
        return SystemdUnit.TryPlace(unit, out string? path, out string? problem)
            ? path
            : throw new SandboxException($"linux.cgroupsPath: {problem}");
    }
}
