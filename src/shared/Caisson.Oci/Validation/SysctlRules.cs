namespace Caisson.Oci;

/// <summary>
/// Rules for sysctls: one that is not of a namespace of the container's own would change the whole host, so every key must
/// be known to belong to one. The list is runc's.
/// </summary>
internal static class SysctlRules
{
    internal static void Check(OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        foreach (KeyValuePair<string, string> pair in linux.Sysctl)
        {
            string name = Dotted(pair.Key);
            if (pair.Key.Contains("..", StringComparison.Ordinal) || name.Contains('/') && name.Contains("./", StringComparison.Ordinal))
            {
                verdict.Error(At(pair.Key), "not the name of a sysctl");
            }
            else if (Objection(name, linux, validation) is { } objection)
            {
                verdict.Error(At(pair.Key), objection);
            }
        }
    }

    private static string At(string key) => JsonPath.Join("linux.sysctl", key);

    private static string? Objection(string name, OciLinux linux, SpecValidation validation)
    {
        string shown = Quoted.Text(name);
        if (validation.OwnKernel)
        {
            return name is "kernel.hostname" ? Conflict(shown) : null;
        }
        if (IsOfIpc(name))
        {
            return NamespaceRules.Has(linux, "ipc") ? null : $"sysctl {shown} is not allowed in the hosts ipc namespace";
        }
        if (name.StartsWith("net.", StringComparison.Ordinal))
        {
            LinuxNamespace? network = NamespaceRules.Find(linux, "network");
            bool isHosts = network is null || (network.Path is { } path && validation.IsOwnNetworkNamespace?.Invoke(path) == true);
            return isHosts ? $"sysctl {shown} not allowed in host network namespace" : null;
        }
        if (NamespaceRules.Has(linux, "uts") && name is "kernel.domainname")
        {
            return null;
        }
        if (NamespaceRules.Has(linux, "uts") && name is "kernel.hostname")
        {
            return Conflict(shown);
        }
        if (name.StartsWith("user.", StringComparison.Ordinal))
        {
            return NamespaceRules.Has(linux, "user") ? null : $"setting ucounts without a user namespace not allowed: {shown}";
        }
        return $"sysctl {shown} is not in a separate kernel namespace";
    }

    private static string Conflict(string shown) => $"sysctl {shown} is not allowed as it conflicts with the OCI \"hostname\" field";

    private static bool IsOfIpc(string name) =>
        name is "kernel.msgmax" or "kernel.msgmnb" or "kernel.msgmni" or "kernel.sem" or "kernel.shmall" or "kernel.shmmax"
            or "kernel.shmmni" or "kernel.shm_rmid_forced"
        || name.StartsWith("fs.mqueue.", StringComparison.Ordinal);

    /// <summary>The dotted form of a key: where the first separator is a slash, dots and slashes trade places (sysctl.d(5)).</summary>
    private static string Dotted(string key)
    {
        int first = key.AsSpan().IndexOfAny('.', '/');
        if (first < 0 || key[first] == '.')
        {
            return key;
        }
        return string.Create(key.Length, key, static (text, key) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = key[i] switch { '.' => '/', '/' => '.', char other => other };
            }
        });
    }
}
