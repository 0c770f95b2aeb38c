namespace Caisson.Oci;

/// <summary>What validation has to know beside the specification.</summary>
public sealed record SpecValidation
{
    /// <summary>Must there be a process? The specification asks for one at start only; create demands it, as runc does.</summary>
    public bool ProcessRequired { get; init; } = true;

    /// <summary>Is <c>cgroupsPath</c> systemd's slice:prefix:name?</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>Is the caller without privilege?</summary>
    public bool Rootless { get; init; }

    /// <summary>Is the kernel the container's sandbox's alone? Then its parameters are all the container's to set.</summary>
    public bool OwnKernel { get; init; }

    /// <summary>Is the network namespace at this path the runtime's own? Where nobody can tell, it is taken not to be.</summary>
    public Func<string, bool>? IsOwnNetworkNamespace { get; init; }
}

/// <summary>
/// Judges what the fields of a specification mean together: the MUSTs of runtime-spec and what runc refuses. What only the
/// host can tell (does a path exist, does the kernel know a feature) is judged where it is used.
/// </summary>
public static class SpecValidator
{
    /// <summary>Judges a whole specification.</summary>
    public static SpecVerdict Validate(OciSpec spec, SpecValidation? validation = null)
    {
        validation ??= new SpecValidation();
        var verdict = new SpecVerdict();
        CheckVersion(spec.OciVersion, verdict);
        if (string.IsNullOrEmpty(spec.Root?.Path))
        {
            verdict.Error("root.path", "root must be specified");
        }
        if (spec.Process is not null)
        {
            ProcessRules.Check(spec.Process, "process.", verdict);
        }
        else if (validation.ProcessRequired)
        {
            verdict.Error("process", "process property must not be empty");
        }
        foreach (KeyValuePair<string, string> pair in spec.Annotations)
        {
            if (pair.Key.Length == 0)
            {
                verdict.Error("annotations", "a key must not be empty");
            }
        }
        OciLinux linux = spec.Linux ?? new OciLinux();
        NamespaceRules.Check(spec, linux, validation, verdict);
        SysctlRules.Check(linux, validation, verdict);
        MountRules.Check(spec, linux, validation, verdict);
        HookRules.Check(spec.Hooks, verdict);
        LinuxRules.Check(linux, validation, verdict);
        CheckVM(spec.VM, verdict);
        return verdict;
    }

    /// <summary>Judges a bare process, as exec is given.</summary>
    public static SpecVerdict ValidateProcess(OciProcess process)
    {
        var verdict = new SpecVerdict();
        ProcessRules.Check(process, "", verdict);
        return verdict;
    }

    /// <summary>Judges bare resources, as update is given.</summary>
    public static SpecVerdict ValidateResources(LinuxResources resources)
    {
        var verdict = new SpecVerdict();
        ResourceRules.Check(resources, "", verdict);
        return verdict;
    }

    private static void CheckVersion(string? version, SpecVerdict verdict)
    {
        if (version is null)
        {
            verdict.Error("ociVersion", "the version of the specification must be given, e.g. 1.2.1");
        }
        else if (!IsSemanticVersion(version, out bool isMajorOne))
        {
            verdict.Error("ociVersion", $"not a semantic version: {Quoted.Text(version)}");
        }
        else if (!isMajorOne)
        {
            verdict.Error("ociVersion", $"only versions 1.x of the specification are understood, not {Quoted.Text(version)}");
        }
    }

    // MAJOR.MINOR.PATCH and then nothing, or a pre-release or build part (semver.org 2.0.0).
    private static bool IsSemanticVersion(string version, out bool isMajorOne)
    {
        int end = version.AsSpan().IndexOfAny('-', '+');
        ReadOnlySpan<char> core = end < 0 ? version : version.AsSpan(0, end);
        isMajorOne = core.StartsWith("1.");
        int parts = 0;
        foreach (Range part in core.Split('.'))
        {
            if (core[part].IsEmpty || core[part].ContainsAnyExceptInRange('0', '9'))
            {
                return false;
            }
            parts++;
        }
        return parts == 3 && end != version.Length - 1;
    }

    private static void CheckVM(OciVM? vm, SpecVerdict verdict)
    {
        if (vm is null)
        {
            return;
        }
        CheckHostPath(vm.Kernel?.Path, "vm.kernel.path", isRequired: true, verdict);
        CheckHostPath(vm.Kernel?.InitRD, "vm.kernel.initrd", isRequired: false, verdict);
        CheckHostPath(vm.Hypervisor?.Path, "vm.hypervisor.path", vm.Hypervisor is not null, verdict);
        CheckHostPath(vm.Image?.Path, "vm.image.path", vm.Image is not null, verdict);
        if (vm.Image is not null && vm.Image.Format is not ("raw" or "qcow2" or "vdi" or "vmdk" or "vhd"))
        {
            verdict.Error("vm.image.format", "must be raw, qcow2, vdi, vmdk or vhd");
        }
    }

    private static void CheckHostPath(string? path, string where, bool isRequired, SpecVerdict verdict)
    {
        if (path is null ? isRequired : !path.StartsWith('/'))
        {
            verdict.Error(where, "must be an absolute path");
        }
    }
}
