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
        if (string.IsNullOrEmpty(cgroupsPath))
        {
            return systemd ? Expand("", "caisson", id) : DefaultPrefix + id;
        }

        if (!systemd)
        {
            // From the hierarchies' roots, and never above them.
            return Path.GetFullPath("/" + cgroupsPath);
        }

        string[] parts = cgroupsPath.Split(':');
        return parts.Length == 3
            ? Expand(parts[0], parts[1], parts[2])
            : throw new SandboxException($"linux.cgroupsPath: expected slice:prefix:name, as --systemd-cgroup asks, not \"{cgroupsPath}\"");
    }

    // A slice's name carries its ancestors (systemd.slice(5)): a-b.slice lies in a.slice. A unit that is itself a slice gets no scope.
    private static string Expand(string slice, string prefix, string name)
    {
        slice = slice.Length == 0 ? "system.slice" : slice;
        const string Suffix = ".slice";
        if (!slice.EndsWith(Suffix, StringComparison.Ordinal) || slice.Contains('/'))
        {
            throw new SandboxException($"linux.cgroupsPath: \"{slice}\" is not the name of a systemd slice");
        }

        string path = "";
        string ancestors = "";
        if (slice != "-.slice")
        {
            foreach (string part in slice[..^Suffix.Length].Split('-'))
            {
                ancestors = ancestors.Length == 0 ? part : ancestors + "-" + part;
                path += "/" + ancestors + Suffix;
            }
        }

        return name.EndsWith(Suffix, StringComparison.Ordinal) ? $"{path}/{name}" : $"{path}/{prefix}-{name}.scope";
    }
}
