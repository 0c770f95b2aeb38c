namespace Caisson.Oci;

/// <summary>Rules for mounts (config.md, "Mounts"; config-linux.md for id-mapped ones).</summary>
internal static class MountRules
{
    internal static void Check(OciSpec spec, OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            OciMount mount = spec.Mounts[i];
            if (mount.Destination.Length == 0)
            {
                verdict.Error($"mounts[{i}].destination", "must not be empty");
            }
            else if (mount.Destination[0] != '/')
            {
                verdict.Warn($"mounts[{i}].destination", $"relative destination path is **deprecated**, using it as relative to /: {Quoted.Text(mount.Destination)}");
            }
            CheckIdMap(mount, $"mounts[{i}]", linux, validation, verdict);
        }
    }

    private static void CheckIdMap(OciMount mount, string at, OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        bool hasUids = mount.UidMappings.Count > 0;
        bool hasGids = mount.GidMappings.Count > 0;
        bool isAsked = mount.Options.Contains("idmap") || mount.Options.Contains("ridmap");
        if (!hasUids && !hasGids && !isAsked)
        {
            return;
        }
        if (hasUids != hasGids)
        {
            verdict.Error(at + (hasUids ? ".gidMappings" : ".uidMappings"), "id-mapped mounts must have both uid and gid mappings specified");
        }
        if (!hasUids && !hasGids && !NamespaceRules.Has(linux, "user"))
        {
            verdict.Error(at + ".options", "an id-mapped mount without mappings takes those of the user namespace, and there is none");
        }
        if (!mount.IsBind)
        {
            verdict.Error(at, "id-mapped mounts are only supported for bind-mounts");
        }
        if (validation.Rootless)
        {
            verdict.Error(at, "id-mapped mounts are not supported for rootless containers");
        }
        NamespaceRules.CheckMappings(mount.UidMappings, at + ".uidMappings", verdict);
        NamespaceRules.CheckMappings(mount.GidMappings, at + ".gidMappings", verdict);
    }
}
