namespace Caisson.Sandboxes;

internal static partial class FieldTable
{
    private static FieldRow[] Linux =>
    [
        Row("linux.uidMappings[]", Yes, InGuestUsers, Cases, "containerID hostID size"),
        Row("linux.gidMappings[]", Yes, InGuestUsers, Cases, "containerID hostID size"),
        Row("linux.namespaces[].type", Answer.YesWhere("all eight"), Answer.As("made in the guest, where a cgroup namespace is always made; the network namespace is the sandbox's; one that is not named is the guest's, never the host's"), Cases),
        Row("linux.namespaces[].path", Yes, Answer.Partly("the network namespace; of a container with --sandbox also the ipc, uts and pid namespaces of a container in the same machine"), "JoinedNamespaceTests.Every_kind_of_namespace_can_be_joined"),
        Both("linux.timeOffsets.{}", Cases, "secs nanosecs"),
        Row("linux.sysctl.{}", Answer.Partly("those of a namespace that is the container's own; an error names any other"), Answer.YesWhere("also those that are not of a namespace: the kernel is the sandbox's own"), Cases),
        Row("linux.devices[].type", Yes, Answer.YesWhere("b is refused with its number"), Cases),
        Both("linux.devices[].path", Cases),
        Row("linux.devices[].major", Yes, Answer.Partly("devices that every kernel has under the same numbers: majors 1, 5, 10 and 136"), Cases),
        Row("linux.devices[]", UnlessBound, UnlessBound, Cases, "minor fileMode uid gid"),
        Row("linux.netDevices.{}.name", Answer.YesWhere("with its addresses; hardware comes back when the container ends"), Answer.No, "NetworkDeviceTests.Device_moves_with_its_addresses_and_is_up_under_its_new_name"),
        Row("linux.rootfsPropagation", Yes, Answer.Partly("within the guest"), Cases),
        Both("linux.maskedPaths", Seen + "Masked_paths_are_empty"),
        Both("linux.readonlyPaths", Seen + "Read_only_paths_cannot_be_written"),
        Row("linux.mountLabel", Answer.YesWhere("an error where the host has no SELinux"), HostsPolicy("SELinux"), Cases),
        Row("linux.intelRdt", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason", "closID schemata l3CacheSchema memBwSchema enableMonitoring enableCMT enableMBM"),
        Row("linux.memoryPolicy", Yes, Answer.As("among the guest's memory nodes, of which it has one"), Cases, "mode nodes flags"),
        Both("linux.personality.domain", Cases),
        Row("linux.personality.flags", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason"),
        Row("linux.cgroupsPath", Yes, Answer.As("the place of the machine and its keepers on the host; in the guest the container has a cgroup of its own"), Cases),
    ];

    private static Answer InGuestUsers =>
        Answer.YesWhere("in the guest, whose network belongs to the guest's root: ports below net.ipv4.ip_unprivileged_port_start are not the container's");

    private static Answer UnlessBound => Answer.YesWhere("in a user namespace the node of the same path outside is bound, if it is the same device, and its mode and owner stay");

    private static FieldRow[] Seccomp =>
    [
        Both("linux.seccomp", Cases, "defaultAction defaultErrnoRet architectures flags"),
        Both("linux.seccomp.syscalls[]", Cases, "names action errnoRet"),
        Both("linux.seccomp.syscalls[].args[]", Cases, "index value valueTwo op"),
        Row("linux.seccomp.listenerPath", Yes, Answer.No, "SeccompAgentTests.Agent_is_sent_the_listener_and_the_state"),
        Row("linux.seccomp.listenerMetadata", Yes, Answer.Not("needs listenerPath"), "SeccompAgentTests.Agent_is_sent_the_listener_and_the_state"),
    ];

    private static FieldRow[] Machine =>
    [
        Row("vm.hypervisor.path", Answer.No, Answer.Partly("a path that vm.allowedPaths of the administrator's configuration has"), "MachineRequestTests.Paths_are_the_administrators"),
        Row("vm.hypervisor.parameters", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason"),
        Row("vm.kernel.path", Answer.No, Answer.Partly("a path that vm.allowedPaths of the administrator's configuration has"), "MachineRequestTests.Paths_are_the_administrators"),
        Row("vm.kernel.parameters", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason"),
        Row("vm.kernel.initrd", Answer.No, Answer.Partly("a path that vm.allowedPaths of the administrator's configuration has"), "MachineRequestTests.Paths_are_the_administrators"),
        Row("vm.image", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason", "path format"),
        Row("vm.hwConfig.vcpus", Answer.No, Answer.YesWhere("the machine has so many at least"), "MachineRequestTests.Size_is_the_least_of_the_machine"),
        Row("vm.hwConfig.memory", Answer.No, Answer.YesWhere("the machine has so much at least"), "MachineRequestTests.Size_is_the_least_of_the_machine"),
        Row("vm.hwConfig", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason", "deviceTree dtdevs irqs"),
        Row("vm.hwConfig.iomems[]", Answer.No, Answer.No, "FieldTableTests.Refusal_names_field_isolation_and_reason", "firstMFN nrMFNs firstGFN"),
    ];
}
