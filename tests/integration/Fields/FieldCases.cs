namespace Caisson.IntegrationTests.Fields;

/// <summary>The project's own conformance table: fields of config.json, and what is seen of them inside.</summary>
internal static partial class FieldCases
{
    // Everything that does not get in the way of the rest.
    private const string Main = "main";

    // A user namespace, in which less is allowed.
    private const string User = "user";

    internal static FieldCase[] All => [.. s_seen, .. s_limits];

    private static readonly FieldCase[] s_seen =
    [
        new("mounts[].type", Main, """{"mounts":[{"destination":"/mnt","type":"ramfs","source":"none"}]}""", "grep ' /mnt ' /proc/mounts | cut -d' ' -f3", "ramfs", "ramfs"),
        new("mounts[].options", Main,
            """{"mounts":[{"destination":"/etc/copied","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=64k"]}]}""",
            "cat /etc/copied/below/file; stat -c %a /etc/copied/below", "from the image 750", "from the image 750"),
        new("mounts[].options recursive", Main,
            """{"mounts":[{"destination":"/rec","type":"bind","source":"{place}/tree","options":["rbind","rro","rnosuid","rnoexec"]}]}""",
            "cat /rec/sub/file; touch /rec/new /rec/sub/new; grep ' /rec ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1-3",
            "below touch: /rec/new: Read-only file system touch: /rec/sub/new: Read-only file system ro,nosuid,noexec",
            "below touch: /rec/new: Read-only file system touch: /rec/sub/new: Read-only file system ro,nosuid,noexec"),
        new("mounts[].options propagation", Main,
            """{"mounts":[{"destination":"/run","type":"tmpfs","source":"tmpfs","options":["shared"]},{"destination":"/media","type":"tmpfs","source":"tmpfs","options":["private"]}]}""",
            "grep -c ' /run .* shared:' /proc/self/mountinfo; grep ' /media ' /proc/self/mountinfo | grep -c shared", "1 0", "1 0"),
        new("mounts[].uidMappings[]", Main,
            """{"mounts":[{"destination":"/ids","type":"bind","source":"{place}/ids","options":["bind"],"uidMappings":[{"containerID":0,"hostID":3000,"size":10}],"gidMappings":[{"containerID":0,"hostID":4000,"size":10}]}]}""",
            "stat -c %u /ids/file", "3000", "3000"),
        new("mounts[].gidMappings[]", Main, "{}", "stat -c %g /ids/file", "4000", "4000"),
        new("process.scheduler", Main, """{"process":{"scheduler":{"policy":"SCHED_BATCH","nice":7,"flags":["SCHED_FLAG_RESET_ON_FORK"]}}}""",
            "sed -n 's/^policy *: *//p' /proc/1/sched; cut -d' ' -f19,41 /proc/1/stat", "3 7 3", "3 7 3"),
        new("process.ioPriority", Main, """{"process":{"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":6}}}""", "busybox ionice -p 1", "best-effort: prio 6", "best-effort: prio 6"),
        new("linux.namespaces[].type", Main, """{"linux":{"namespaces":[{"type":"time"},{"type":"cgroup"}]}}""",
            "for n in cgroup ipc mnt net pid time uts; do test -e /proc/self/ns/$n && echo $n; done; cut -d: -f3 /proc/self/cgroup | sort -u", "cgroup ipc mnt net pid time uts /", "cgroup ipc mnt net pid time uts /"),
        new("linux.timeOffsets.{}", Main, """{"linux":{"timeOffsets":{"boottime":{"secs":864000,"nanosecs":5},"monotonic":{"secs":1000}}}}""",
            "tr -s ' ' </proc/self/timens_offsets; test $(cut -d. -f1 /proc/uptime) -ge 864000 && echo later", "monotonic 1000 0 boottime 864000 5 later", "monotonic 1000 0 boottime 864000 5 later"),
        new("linux.sysctl.{}", Main, """{"linux":{"sysctl":{"kernel.msgmax":"12345","net.ipv4.ping_group_range":"0 42","net/ipv4/ip_forward":"1"}}}""",
            "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_forward | tr '\\t' ' '", "12345 0 42 1", "12345 0 42 1"),
        new("linux.sysctl.{} of the kernel", Main, """{"linux":{"sysctl":{"vm.max_map_count":"123456"}}}""", "cat /proc/sys/vm/max_map_count", null, "123456"),
        new("linux.devices[].type", Main, """{"linux":{"devices":[{"type":"p","path":"/dev/my/pipe","fileMode":384},{"type":"u","path":"/dev/my/full","major":1,"minor":7}]}}""",
            "stat -c '%F %a' /dev/my/pipe; stat -c %F /dev/my/full", "fifo 600 character special file", "fifo 600 character special file"),
        new("linux.devices[]", Main, """{"linux":{"devices":[{"type":"c","path":"/dev/my/zero","major":1,"minor":5,"fileMode":420,"uid":7,"gid":8}]}}""",
            "stat -c '%t:%T %a %u:%g' /dev/my/zero; head -c 3 /dev/my/zero | od -An -tx1", "1:5 644 7:8  00 00 00", "1:5 644 7:8  00 00 00"),
        new("linux.devices[].path", Main, "{}", "test -c /dev/my/zero && echo there", "there", "there"),
        new("linux.devices[].major", Main, "{}", "stat -c %t /dev/my/full", "1", "1"),
        // 10:254 is nobody's: ENODEV says that the rules let the call through.
        new("linux.resources.devices[]", Main,
            """{"linux":{"devices":[{"type":"c","path":"/dev/my/misc","major":10,"minor":250},{"type":"c","path":"/dev/my/kmsg","major":1,"minor":11}],"resources":{"devices":[{"allow":true,"type":"c","major":10,"access":"r"}]}}}""",
            "cat /dev/my/misc; echo x >/dev/my/misc; cat /dev/my/kmsg",
            "cat: can't open '/dev/my/misc': No such device sh: can't create /dev/my/misc: Operation not permitted cat: can't open '/dev/my/kmsg': Operation not permitted",
            "cat: can't open '/dev/my/misc': No such device sh: can't create /dev/my/misc: Operation not permitted cat: can't open '/dev/my/kmsg': Operation not permitted"),
        new("linux.rootfsPropagation", Main, """{"linux":{"rootfsPropagation":"private"}}""", "grep ' / / ' /proc/self/mountinfo | grep -c -E 'shared|master'", "0", "0"),
        new("linux.memoryPolicy", Main, """{"linux":{"memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES"]}}}""",
            "head -n 1 /proc/self/numa_maps | cut -d' ' -f2", "bind=static:0", "bind=static:0"),
        new("linux.personality.domain", Main, """{"linux":{"personality":{"domain":"LINUX32"}}}""", "uname -m", "i686", "i686"),
        new("linux.seccomp", Main,
            """{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],"flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}}}""",
            "sed -n 's/^Seccomp:\t//p' /proc/self/status; sed -n 's/^Speculation_Store_Bypass:\t//p' /proc/self/status | grep -c -E 'force|mitigated'", "2 0", "2 0"),
        new("linux.seccomp.syscalls[]", Main,
            """{"linux":{"seccomp":{"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":38},{"names":["mknod","mknodat"],"action":"SCMP_ACT_KILL_PROCESS"},{"names":["symlink","symlinkat"],"action":"SCMP_ACT_TRAP"},{"names":["sync"],"action":"SCMP_ACT_LOG"},{"names":["sethostname"],"action":"SCMP_ACT_TRACE","errnoRet":5}]}}}""",
            "mkdir /tmp/x; (mkfifo /tmp/f); echo $?; (ln -s a /tmp/l); echo $?; sync && echo logged; hostname other 2>&1 | sed 's/.*: //'",
            "mkdir: can't create directory '/tmp/x': Function not implemented Bad system call 159 Bad system call 159 logged Function not implemented",
            "mkdir: can't create directory '/tmp/x': Function not implemented Bad system call 159 Bad system call 159 logged Function not implemented"),
        new("linux.seccomp.syscalls[].args[]", Main,
            """{"linux":{"seccomp":{"syscalls":[{"names":["chmod","fchmodat"],"action":"SCMP_ACT_ERRNO","errnoRet":17,"args":[{"index":1,"value":511,"op":"SCMP_CMP_EQ"}]},{"names":["kill"],"action":"SCMP_ACT_ERRNO","errnoRet":39,"args":[{"index":1,"value":48,"valueTwo":16,"op":"SCMP_CMP_MASKED_EQ"}]}]}}}""",
            "touch /scratch/f; chmod 777 /scratch/f; chmod 755 /scratch/f && echo fine; kill -20 $$; kill -1 $$ && echo sent",
            "chmod: /scratch/f: File exists fine sh: can't kill pid 1: Directory not empty sent",
            "chmod: /scratch/f: File exists fine sh: can't kill pid 1: Directory not empty sent"),
        new("linux.uidMappings[]", User, """{"linux":{"namespaces":[{"type":"user"}],"uidMappings":[{"containerID":0,"hostID":100000,"size":500},{"containerID":500,"hostID":200500,"size":10}]}}""",
            "tr -s ' ' </proc/self/uid_map | sed 's/^ //'; id -u", "0 100000 500 500 200500 10 0", "0 100000 500 500 200500 10 0"),
        new("linux.gidMappings[]", User, """{"linux":{"gidMappings":[{"containerID":0,"hostID":100000,"size":600}]}}""", "tr -s ' ' </proc/self/gid_map | sed 's/^ //'", "0 100000 600", "0 100000 600"),
        new("linux.sysctl.{} beside a user namespace", User, """{"linux":{"sysctl":{"net.ipv4.ip_unprivileged_port_start":"80","kernel.shmmni":"1234","user.max_ipc_namespaces":"77"}}}""",
            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni /proc/sys/user/max_ipc_namespaces", "80 1234 77", "80 1234 77"),
        new("mounts[].options idmap", User,
            """{"mounts":[{"destination":"/ids","type":"bind","source":"{place}/ids","options":["rbind","idmap"]}]}""",
            "stat -c %u:%g /ids/file; touch /ids/mine && stat -c %u:%g /ids/mine", "0:0 0:0", "0:0 0:0"),
    ];

    internal static readonly RefusedCase[] Refused =
    [
        new("process.apparmorProfile", """{"process":{"apparmorProfile":"docker-default"}}""", "process.apparmorProfile: \"docker-default\": AppArmor is not enabled on this host", null),
        new("process.selinuxLabel", """{"process":{"selinuxLabel":"system_u:system_r:container_t:s0"}}""", "process.selinuxLabel: \"system_u:system_r:container_t:s0\": selinux label is specified in config, but selinux is disabled", null),
        new("linux.mountLabel", """{"linux":{"mountLabel":"system_u:object_r:container_file_t:s0"}}""", "linux.mountLabel: \"system_u:object_r:container_file_t:s0\": selinux label is specified", null),
        new("linux.sysctl.{}", """{"linux":{"sysctl":{"vm.max_map_count":"100000"}}}""", "sysctl \"vm.max_map_count\" is not in a separate kernel namespace", null),
        new("process.execCPUAffinity", """{"process":{"execCPUAffinity":{"initial":"0"}}}""", null, "process.execCPUAffinity: isolation vm: the numbers are the host's CPUs"),
        new("linux.namespaces[].path", """{"linux":{"namespaces":[{"type":"cgroup","path":"/proc/1/ns/cgroup"}]}}""", null, "linux.namespaces[5].path: /proc/1/ns/cgroup: isolation vm: a namespace of the host's kernel"),
        new("linux.netDevices.{}.name", """{"linux":{"netDevices":{"nosuch0":{"name":"eth1"}}}}""", "linux.netDevices[\"nosuch0\"]: rtnetlink find link nosuch0: ENODEV", "linux.netDevices: isolation vm: a network device of the host"),
        new("linux.memoryPolicy", """{"linux":{"memoryPolicy":{"mode":"MPOL_BIND","nodes":"63"}}}""", "linux.memoryPolicy: MPOL_BIND of nodes \"63\"", "linux.memoryPolicy: MPOL_BIND of nodes \"63\""),
        new("linux.resources.unified.{}", """{"linux":{"resources":{"unified":{"memory.high":"1000000"}}}}""", "resources.unified names memory.high, but this host limits by cgroup v1", null),
        new("linux.resources.network.classID", """{"linux":{"resources":{"network":{"classID":17}}}}""", "network.classID needs the cgroup controller \"net_cls\", which is not mounted", "linux.resources.network.classID: isolation vm"),
        new("linux.resources.network.priorities[]", """{"linux":{"resources":{"network":{"priorities":[{"name":"lo","priority":1}]}}}}""", "network.priorities needs the cgroup controller \"net_prio\", which is not mounted", "linux.resources.network.priorities: isolation vm"),
        new("linux.resources.rdma.{}", """{"linux":{"resources":{"rdma":{"mlx5_1":{"hcaHandles":3}}}}}""", "an RDMA limit needs the cgroup controller \"rdma\", which is not mounted", "linux.resources.rdma: isolation vm"),
        new("linux.resources.memory.useHierarchy", """{"linux":{"resources":{"memory":{"useHierarchy":false}}}}""", "memory.use_hierarchy", "linux.resources.memory.useHierarchy: false: isolation vm"),
    ];
}
