using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;
using Caisson.Ttrpc;
using WireKeeper = Caisson.Protocol.Control.Keeper;

namespace Caisson.Sandboxes;

/// <summary>Requests on control.sock, checked and turned into what a sandbox takes. What is missing or out of range is refused by name.</summary>
internal static class ControlRequests
{
    // Own limits, far beyond what the configuration allows; the numbers are unsigned on the wire and become ints here.
    private const uint MaxVcpus = 4096;
    private const uint MaxMemoryMiB = 1u << 30;

    private const uint MaxSignal = 64;    // _NSIG

    // Two device numbers and an inode number, in hexadecimal.
    private const int MaxMemoryName = 64;

    internal static MachinePlan PlanOf(BootRequest request) => new()
    {
        Size = new MachineSize(Within(request.Vcpus, MaxVcpus, "vcpus"), Within(request.MemoryMib, MaxMemoryMiB, "memory_mib"), null),
        Qemu = request.Qemu,
        FileServer = request.Virtiofsd.Length == 0 ? null : request.Virtiofsd,
        Kernel = request.Kernel,
        Initrd = request.Initrd,
        Accelerator = request.Accelerator,
        Hostname = request.Hostname,
        IsPod = request.Pod,
        Debug = request.Debug,
        KernelParameters = [.. request.KernelParameters],
    };

    /// <param name="network">The request.</param>
    /// <param name="descriptors">What was delivered under its token; taken over.</param>
    internal static NetworkPlan NetworkOf(Network network, IReadOnlyList<FileFd> descriptors)
    {
        var namespaces = new List<NamespaceFd>();
        foreach (FileFd descriptor in descriptors)
        {
            namespaces.Add(NamespaceFd.FromNumber(descriptor.Release()));
        }

        if (namespaces.Count != 1 || namespaces[0].Kind != NamespaceKinds.Network)
        {
            namespaces.ForEach(static one => one.Dispose());
            throw Invalid("one network namespace was expected beside the network");
        }

        return new NetworkPlan(
            NetworkModelName.Parse(network.Model, "control request"), namespaces[0], network.Path.Length > 0 ? network.Path : null, network.Inbound, network.Outbound);
    }

    internal static ProcessIdentity KeeperOf(WireKeeper? keeper) =>
        keeper?.Process is { Pid: > 0 } process
            ? new ProcessIdentity(process.Pid, process.StartTime)
            : throw Invalid("the keeper's process is missing");

    /// <summary>What the new container shares; whether the containers exist is the sandbox's to say.</summary>
    internal static GuestSharing SharingOf(CreateContainerRequest request)
    {
        var namespaces = new Dictionary<string, string>();
        foreach (SharedNamespace shared in request.Namespaces)
        {
            if (Array.IndexOf(GuestSharing.NamespaceTypes, shared.Type) < 0 || !namespaces.TryAdd(shared.Type, shared.ContainerId))
            {
                throw Invalid($"namespaces: {shared.Type} cannot be shared, or is named twice");
            }
        }

        return new GuestSharing { Namespaces = namespaces, Memory = request.Memory is { } memory ? MemoryOf(memory) : null };
    }

    internal static int SignalOf(SignalRequest request) => Within(request.Signal, MaxSignal, "signal");

    /// <summary>The name of a passed mount in the shared directory.</summary>
    internal static string ShareNameOf(string containerId, OciSpec spec, PassedMount mount, int descriptors)
    {
        if (mount.DescriptorIndex >= descriptors || mount.MountIndex < -1 || mount.MountIndex >= spec.Mounts.Count)
        {
            throw Invalid("a mount names a descriptor or a mount that is not there");
        }

        if (!ContainerId.IsValid(containerId))
        {
            throw Invalid("container_id is no container's id");
        }

        return mount.MountIndex < 0
            ? GuestPaths.RootfsName(containerId)
            : GuestPaths.MountName(containerId, mount.MountIndex, spec.Mounts[mount.MountIndex].Destination);
    }

    // It becomes a file name in the guest.
    private static SandboxMemory MemoryOf(Protocol.Control.SharedMemory memory) =>
        memory.Name.Length is > 0 and <= MaxMemoryName && Array.TrueForAll(memory.Name.ToCharArray(), char.IsAsciiLetterOrDigit) && memory.SizeBytes > 0
            ? new SandboxMemory(memory.Name, memory.SizeBytes)
            : throw Invalid("memory has no name of letters and digits, or no size");

    private static int Within(uint number, uint most, string what) =>
        number <= most ? (int)number : throw Invalid($"{what} is {number}; at most {most} is taken");

    private static TtrpcException Invalid(string what) => new(TtrpcCode.InvalidArgument, $"control request: {what}");
}
