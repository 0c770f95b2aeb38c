using Caisson.Oci;

namespace Caisson.Sandboxes;

internal static partial class Refusals
{
    // The character devices every guest kernel offers under the same numbers (Documentation/admin-guide/devices.txt):
    // mem, tty and console, misc, pts.
    private static readonly long[] s_portableMajors = [1, 5, 10, 136];

    // File systems whose content the guest's kernel makes up itself; any other would be mounted from a device or path of the host.
    private static readonly string[] s_kernelFileSystems =
    [
        "proc", "sysfs", "tmpfs", "ramfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "configfs",
        "fusectl", "hugetlbfs", "binfmt_misc", "efivarfs", "pstore",
    ];

    /// <summary>Of containers in a virtual machine.</summary>
    internal static readonly Refusal[] Vm =
    [
        new("linux.devices[].major", $"a virtual machine does not see the host's devices; {UseNamespaces}", FindDevice),
        new("linux.seccomp.listenerPath", $"an agent of the host cannot answer for another kernel's system calls; {UseNamespaces}",
            static spec => spec.Linux?.Seccomp?.ListenerPath is { } path ? $"linux.seccomp.listenerPath: {path}" : null),
        new("linux.netDevices.{}.name", $"a network device of the host is not moved into a virtual machine; {UseNamespaces}",
            static spec => spec.Linux?.NetDevices.Count > 0 ? "linux.netDevices" : null),
        new("linux.namespaces[].path", $"a namespace of the host's kernel cannot be joined from another kernel; {UseNamespaces}", FindJoined),
        new("mounts[].type", $"file systems on devices and paths of the host are not mounted in a virtual machine; mount it on the host and bind it, or {UseNamespaces}", FindMountType),
        new("mounts[].options", $"mounts made in a virtual machine do not appear on the host; {UseNamespaces}", FindSharedMount),
        new("linux.rootfsPropagation", $"mounts made in a virtual machine do not appear on the host; {UseNamespaces}",
            static spec => spec.Linux?.RootfsPropagation is "shared" or "rshared" ? $"linux.rootfsPropagation: {spec.Linux.RootfsPropagation}" : null),
        IntelRdt("linux.intelRdt", "the caches of the host are not divided among virtual machines"),
        PersonalityFlags,
        new("process.execCPUAffinity", $"the numbers are the host's CPUs, which a process in a virtual machine does not choose; linux.resources.cpu.cpus binds the machine; {UseNamespaces}",
            static spec => spec.Process?.ExecCpuAffinity is null ? null : "process.execCPUAffinity"),
        KernelMemory,
        new("linux.resources.memory.kernelTCP", "the guest has cgroup v2, which does not limit the memory of TCP apart; memory.limit counts it",
            static spec => spec.Linux?.Resources?.Memory?.KernelTcp is > 0 and { } bytes ? $"linux.resources.memory.kernelTCP: {bytes}" : null),
        new("linux.resources.memory.disableOOMKiller", "the guest has cgroup v2, where the OOM killer cannot be switched off; process.oomScoreAdj protects single processes",
            static spec => spec.Linux?.Resources?.Memory?.DisableOomKiller == true ? "linux.resources.memory.disableOOMKiller: true" : null),
        new("linux.resources.memory.useHierarchy", "the guest has cgroup v2, which always counts children",
            static spec => spec.Linux?.Resources?.Memory?.UseHierarchy == false ? "linux.resources.memory.useHierarchy: false" : null),
        new("linux.resources.cpu.realtimeRuntime", $"the guest has cgroup v2, which gives out no real-time CPU time; {UseNamespaces}",
            static spec => spec.Linux?.Resources?.Cpu?.RealtimeRuntime is not (null or 0) ? "linux.resources.cpu.realtimeRuntime" : null),
        new("linux.resources.cpu.realtimePeriod", $"the guest has cgroup v2, which gives out no real-time CPU time; {UseNamespaces}",
            static spec => spec.Linux?.Resources?.Cpu?.RealtimePeriod is not (null or 0) ? "linux.resources.cpu.realtimePeriod" : null),
        new("linux.resources.network.classID", $"packets of a virtual machine carry no class of its processes; {UseNamespaces}",
            static spec => spec.Linux?.Resources?.Network?.ClassId is not (null or 0) ? "linux.resources.network.classID" : null),
        new("linux.resources.network.priorities[]", $"packets of a virtual machine carry no priority of its processes; {UseNamespaces}",
            static spec => spec.Linux?.Resources?.Network?.Priorities.Count > 0 ? "linux.resources.network.priorities" : null),
        new("linux.resources.rdma.{}", $"a virtual machine has no RDMA device; {UseNamespaces}",
            static spec => spec.Linux?.Resources?.Rdma.Count > 0 ? "linux.resources.rdma" : null),
        new("vm.hypervisor.parameters", "parameters of the hypervisor reach the whole host and are nobody's to choose",
            static spec => spec.VM?.Hypervisor?.Parameters.Count > 0 ? "vm.hypervisor.parameters" : null),
        new("vm.kernel.parameters", "parameters of the guest's kernel are the administrator's: vm.kernelParameters of the configuration",
            static spec => spec.VM?.Kernel?.Parameters.Count > 0 ? "vm.kernel.parameters" : null),
        new("vm.image", "the machine's own root is the initrd, and the container's files are shared from root.path", static spec => spec.VM?.Image is null ? null : "vm.image"),
        HardwareOf("deviceTree", static hardware => hardware.DeviceTree is not null),
        HardwareOf("dtdevs", static hardware => hardware.DtDevs.Count > 0),
        HardwareOf("irqs", static hardware => hardware.Irqs.Count > 0),
        HardwareOf("iomems[]", static hardware => hardware.IOMems.Count > 0),
    ];

    private static Refusal HardwareOf(string member, Func<VMHwConfig, bool> asks) => new(
        $"vm.hwConfig.{member}", "hardware of the host is not passed through to a virtual machine",
        spec => spec.VM?.HwConfig is { } hardware && asks(hardware) ? $"vm.hwConfig.{member.TrimEnd('[', ']')}" : null);

    private static string? FindDevice(OciSpec spec)
    {
        SpecList<LinuxDevice> devices = spec.Linux?.Devices ?? [];
        for (int i = 0; i < devices.Count; i++)
        {
            LinuxDevice device = devices[i];
            if (device.Type is "b" || (device.Type is not "p" && Array.IndexOf(s_portableMajors, device.Major) < 0))
            {
                return $"linux.devices[{i}]: {device.Path} ({device.Type} {device.Major}:{device.Minor})";
            }
        }

        return null;
    }

    // The network namespace is the sandbox's own affair (SandboxNetwork): the machine is connected to what is in it.
    private static string? FindJoined(OciSpec spec)
    {
        SpecList<LinuxNamespace> namespaces = spec.Linux?.Namespaces ?? [];
        for (int i = 0; i < namespaces.Count; i++)
        {
            if (namespaces[i] is { Path: { } path, Type: not "network" })
            {
                return $"linux.namespaces[{i}].path: {path}";
            }
        }

        return null;
    }

    private static string? FindMountType(OciSpec spec)
    {
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            OciMount mount = spec.Mounts[i];
            if (!mount.IsBind && Array.IndexOf(s_kernelFileSystems, mount.Type) < 0)
            {
                return $"mounts[{i}].type: {mount.Type ?? "none"} at {mount.Destination}";
            }
        }

        return null;
    }

    private static string? FindSharedMount(OciSpec spec)
    {
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            foreach (string option in spec.Mounts[i].Options)
            {
                if (spec.Mounts[i].IsBind && option is "shared" or "rshared")
                {
                    return $"mounts[{i}].options: {option} at {spec.Mounts[i].Destination}";
                }
            }
        }

        return null;
    }
}
