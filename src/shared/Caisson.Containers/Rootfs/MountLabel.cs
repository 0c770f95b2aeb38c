namespace Caisson.Containers;

/// <summary><c>linux.mountLabel</c>: the SELinux context of what new file systems hold, as an option of their mounts.</summary>
internal static class MountLabel
{
    /// <summary>Adds it to the data of a mount, unless that has one already or the file system labels its content itself.</summary>
    internal static string AddTo(string data, string? type, string? label)
    {
        if (string.IsNullOrEmpty(label) || type is "proc" or "sysfs" or "mqueue" or "cgroup" or "cgroup2" || HasContext(data))
        {
            return data;
        }

        // Quoted, because a context holds commas.
        string option = $"context=\"{label}\"";
        return data.Length == 0 ? option : $"{data},{option}";
    }

    private static bool HasContext(string data)
    {
        foreach (string option in data.Split(','))
        {
            if (option.StartsWith("context=", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
