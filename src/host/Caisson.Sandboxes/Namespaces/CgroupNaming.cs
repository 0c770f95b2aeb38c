namespace Caisson.Sandboxes;

/// <summary>Which cgroup a container gets, where nobody but us makes cgroups.</summary>
internal static class CgroupNaming
{
    // One directory, without a common parent: that would be left behind when the last container goes, or be removed under the next one.
    private const string DefaultPrefix = "/caisson-";

    /// <param name="id">The container.</param>
    /// <param name="cgroupsPath">The configuration's linux.cgroupsPath, if any: from the hierarchies' roots, and never above them.</param>
    internal static string PathFor(string id, string? cgroupsPath) =>
        string.IsNullOrEmpty(cgroupsPath) ? DefaultPrefix + id : Path.GetFullPath("/" + cgroupsPath);
}
