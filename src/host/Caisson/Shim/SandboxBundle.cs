using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Google.Protobuf;

namespace Caisson;

/// <summary>
/// The bundle that a pod's sandbox is made from: a container that is created and never started, so that it has the pod's namespaces, cgroup
/// and machine, and no program. What it is to be like comes from kubelet's description of the pod, and from the configuration that
/// containerd's bundle may hold.
/// </summary>
internal static class SandboxBundle
{
    private const string Directory = "caisson-sandbox";
    private const string PodConfigType = "runtime.v1.PodSandboxConfig";

    // What is created must exist; it is not executed.
    private const string Program = "/sandbox";
    private const uint Executable = 0x1ED; // 0755
    private const int OfNode = 2;
    private const string Version = "1.0.2";

    /// <summary>Writes it below containerd's bundle, with which it is removed.</summary>
    /// <param name="request">What containerd asks for.</param>
    /// <param name="containerdNamespace">containerd's own namespace, which names the cgroup where nothing else does.</param>
    /// <param name="isSystemd">Whether cgroups are systemd's.</param>
    /// <exception cref="SandboxException">The description of the pod cannot be read.</exception>
    internal static string Write(CreateSandboxRequest request, string containerdNamespace, bool isSystemd)
    {
        string bundle = Path.Combine(request.BundlePath, Directory);
        System.IO.Directory.CreateDirectory(Path.Combine(bundle, "rootfs"));
        using (FileFd program = FileCalls.Open($"{bundle}/rootfs{Program}", OpenFlags.O_WRONLY | OpenFlags.O_CREAT, Executable))
        {
            FileCalls.ChangeMode(program.ProcPath, Executable);
        }

        OciSpec given = System.IO.File.Exists(Path.Combine(request.BundlePath, SpecReader.ConfigFileName)) ? SpecReader.ReadBundle(request.BundlePath) : new OciSpec();
        PodSandboxConfig? pod = PodOf(request);
        OciSpec made = Make(request, given, pod, CgroupFor(request, given, pod, containerdNamespace, isSystemd));
        ShimPlace.WriteOwn(Path.Combine(bundle, SpecReader.ConfigFileName), SpecWriter.Write(made));
        return bundle;
    }

    private static PodSandboxConfig? PodOf(CreateSandboxRequest request)
    {
        if (string.IsNullOrEmpty(request.Options?.TypeUrl))
        {
            return null;
        }

        string type = request.Options.TypeUrl[(request.Options.TypeUrl.LastIndexOf('/') + 1)..];
        if (type != PodConfigType)
        {
            throw new SandboxException($"sandbox {request.SandboxId}: options of type {type}: expected {PodConfigType}, or none");
        }

        try
        {
            return PodSandboxConfig.Parser.ParseFrom(request.Options.Value);
        }
        catch (InvalidProtocolBufferException cause)
        {
            throw new SandboxException($"sandbox {request.SandboxId}: its {PodConfigType} cannot be read: {cause.Message}", cause);
        }
    }

    private static OciSpec Make(CreateSandboxRequest request, OciSpec given, PodSandboxConfig? pod, string cgroup)
    {
        string? hostname = pod?.Hostname is { Length: > 0 } named ? named : given.Hostname;
        return new OciSpec
        {
            OciVersion = given.OciVersion ?? Version,
            Root = new OciRoot { Path = "rootfs", Readonly = true },
            Process = new OciProcess { Args = [Program], Cwd = "/", NoNewPrivileges = true },
            Hostname = hostname,
            Annotations = new SpecMap<string>(Annotate(request, given, pod)),
            Linux = new OciLinux
            {
                CgroupsPath = cgroup,
                Resources = given.Linux?.Resources,
                Sysctl = pod?.Linux?.Sysctls is { Count: > 0 } sysctls ? new SpecMap<string>(sysctls) : given.Linux?.Sysctl ?? SpecMap.Empty<string>(),
                Namespaces = [.. Namespaces(request, given, pod)],
            },
            VM = given.VM,
        };
    }

    private static string CgroupFor(CreateSandboxRequest request, OciSpec given, PodSandboxConfig? pod, string containerdNamespace, bool isSystemd)
    {
        string parent = pod?.Linux?.CgroupParent ?? "";
        return parent.Length > 0
            ? isSystemd ? $"{Path.GetFileName(parent)}:cri-containerd:{request.SandboxId}" : Path.Combine(parent, request.SandboxId)
            : given.Linux?.CgroupsPath is { Length: > 0 } path ? path
            : isSystemd ? $":cri-containerd:{request.SandboxId}" : $"/{containerdNamespace}/{request.SandboxId}";
    }

    // The size of a machine is asked for as the CRI plugin does it for a pause container.
    private static Dictionary<string, string> Annotate(CreateSandboxRequest request, OciSpec given, PodSandboxConfig? pod)
    {
        var annotations = new Dictionary<string, string>(given.Annotations);
        if (pod is not null)
        {
            foreach (KeyValuePair<string, string> annotation in pod.Annotations)
            {
                annotations[annotation.Key] = annotation.Value;
            }
        }

        PodAnnotations.Describe(annotations, request.SandboxId, pod?.Linux?.Resources is { } resources
            ? new PodSize(resources.CpuQuota, resources.CpuPeriod, resources.CpuShares, resources.MemoryLimit)
            : default);
        return annotations;
    }

    private static List<LinuxNamespace> Namespaces(CreateSandboxRequest request, OciSpec given, PodSandboxConfig? pod)
    {
        if (pod is null && given.Linux is { Namespaces.Count: > 0 } linux)
        {
            return WithNetwork(linux.Namespaces, request.NetnsPath);
        }

        PodNamespaceOptions? options = pod?.Linux?.SecurityContext?.NamespaceOptions;
        var namespaces = new List<LinuxNamespace> { new() { Type = "mount" }, new() { Type = "uts" } };
        if (options?.Pid != OfNode)
        {
            namespaces.Add(new LinuxNamespace { Type = "pid" });
        }

        if (options?.Ipc != OfNode)
        {
            namespaces.Add(new LinuxNamespace { Type = "ipc" });
        }

        if (options?.Network != OfNode)
        {
            namespaces.Add(new LinuxNamespace { Type = "network", Path = request.NetnsPath.Length > 0 ? request.NetnsPath : null });
        }

        return namespaces;
    }

    private static List<LinuxNamespace> WithNetwork(IReadOnlyList<LinuxNamespace> given, string path)
    {
        var namespaces = new List<LinuxNamespace>();
        foreach (LinuxNamespace ns in given)
        {
            namespaces.Add(ns.Type == "network" && path.Length > 0 ? ns with { Path = path } : ns);
        }

        return namespaces;
    }
}
