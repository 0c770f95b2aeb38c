using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A cgroup as records and journals name it: one line <c>controller=directory</c> for each, so that no later reader need know the mounts of its writer.</summary>
internal static class RecordedCgroup
{
    internal static string KeyOf(Cgroup cgroup)
    {
        var lines = new List<string>();
        foreach (KeyValuePair<string, string> path in cgroup.Paths)
        {
            lines.Add($"{path.Key}={path.Value}");
        }

        return string.Join('\n', lines);
    }

    internal static Cgroup Open(string key)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in key.Split('\n'))
        {
            // A named v1 hierarchy's controller is itself "name=systemd"; directories begin with a slash.
            int equals = line.IndexOf("=/", StringComparison.Ordinal);
            if (equals >= 0)
            {
                paths[line[..equals]] = line[(equals + 1)..];
            }
        }

        return Cgroup.OfPaths(paths);
    }

    /// <summary>Kills what is in it and removes it; it may be there in some hierarchies only, or in none.</summary>
    internal static void Remove(string key)
    {
        Cgroup cgroup = Open(key);
        if (cgroup.Exists)
        {
            cgroup.KillAll(Signal.SIGKILL);
        }

        cgroup.Remove();
    }
}
