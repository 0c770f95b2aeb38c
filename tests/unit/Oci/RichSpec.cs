using System.Text;
using Caisson.Oci;

namespace Caisson.Tests;

/// <summary>A specification in which every field the model knows has a value that is not its default.</summary>
internal static class RichSpec
{
    internal static byte[] Bytes => Encoding.UTF8.GetBytes(Json);

    internal static OciSpec Parsed => SpecReader.Parse(Bytes, "config.json");

    internal const string Json = """
        {
          "ociVersion": "1.2.1",
          "root": { "path": "rootfs", "readonly": true },
          "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro", "idmap"],
              "uidMappings": [{ "containerID": 7, "hostID": 1000, "size": 10 }],
              "gidMappings": [{ "containerID": 0, "hostID": 4294967294, "size": 1 }] }
          ],
          "process": {
            "terminal": true,
            "consoleSize": { "height": 25, "width": 80 },
            "cwd": "/home/é",
            "env": ["PATH=/bin", "QUOTE=\"\\\n", "EMPTY="],
            "args": ["sh", "-c", "echo $0", ""],
            "user": { "uid": 1, "gid": 2, "umask": 63, "additionalGids": [5, 6], "username": "someone" },
            "rlimits": [{ "type": "RLIMIT_CORE", "hard": 18446744073709551615, "soft": 1024 }],
            "capabilities": {
              "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL"], "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"],
              "permitted": ["CAP_KILL"], "ambient": ["CAP_NET_BIND_SERVICE"]
            },
            "apparmorProfile": "acme_secure_profile",
            "selinuxLabel": "system_u:system_r:svirt_lxc_net_t:s0:c124,c675",
            "noNewPrivileges": true,
            "oomScoreAdj": -100,
            "scheduler": { "policy": "SCHED_DEADLINE", "nice": -5, "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"],
              "runtime": 1000, "deadline": 2000, "period": 3000 },
            "ioPriority": { "class": "IOPRIO_CLASS_IDLE", "priority": 4 },
            "execCPUAffinity": { "initial": "7", "final": "0-3,7" }
          },
          "hostname": "slartibartfast",
          "domainname": "foobarbaz.test",
          "hooks": {
            "prestart": [{ "path": "/usr/bin/fix-mounts", "args": ["fix-mounts", "arg1"], "env": ["key1=value1"], "timeout": 5 }],
            "createRuntime": [{ "path": "/bin/a" }],
            "createContainer": [{ "path": "/bin/b" }, { "path": "/bin/b2" }],
            "startContainer": [{ "path": "/bin/c" }],
            "poststart": [{ "path": "/bin/d", "timeout": 1 }],
            "poststop": [{ "path": "/bin/e", "args": ["e"] }]
          },
          "annotations": { "com.example.gpu-cores": "2", "empty": "", "line\nbreak": "x" },
          "linux": {
            "uidMappings": [{ "containerID": 0, "hostID": 1000, "size": 32000 }],
            "gidMappings": [{ "containerID": 0, "hostID": 2000, "size": 32000 }],
            "sysctl": { "net.ipv4.ip_forward": "1", "kernel.msgmax": "65536" },
            "resources": {
              "devices": [
                { "allow": false, "access": "rwm" },
                { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw" },
                { "allow": true, "type": "b", "major": -1, "minor": 0, "access": "r" }
              ],
              "memory": { "limit": 536870912, "reservation": 536870911, "swap": -1, "kernel": -1, "kernelTCP": -2,
                "swappiness": 0, "disableOOMKiller": false, "useHierarchy": true, "checkBeforeUpdate": true },
              "cpu": { "shares": 1024, "quota": 1000000, "burst": 0, "period": 500000, "realtimeRuntime": 950000,
                "realtimePeriod": 1000000, "cpus": "2-3", "mems": "0-7", "idle": 1 },
              "pids": { "limit": 32771 },
              "blockIO": {
                "weight": 10, "leafWeight": 0,
                "weightDevice": [{ "major": 8, "minor": 0, "weight": 500, "leafWeight": 300 }, { "major": 8, "minor": 16 }],
                "throttleReadBpsDevice": [{ "major": 8, "minor": 0, "rate": 600 }],
                "throttleWriteBpsDevice": [{ "major": 8, "minor": 1, "rate": 601 }],
                "throttleReadIOPSDevice": [{ "major": 8, "minor": 2, "rate": 602 }],
                "throttleWriteIOPSDevice": [{ "major": 8, "minor": 3, "rate": 0 }]
              },
              "hugepageLimits": [{ "pageSize": "2MB", "limit": 9223372036854772000 }, { "pageSize": "64KB", "limit": 0 }],
              "network": { "classID": 1048577, "priorities": [{ "name": "eth0", "priority": 500 }] },
              "rdma": { "mlx5_1": { "hcaHandles": 3, "hcaObjects": 10000 }, "mlx4_0": {} },
              "unified": { "hugetlb.1GB.max": "1073741824", "memory.high": "max" }
            },
            "cgroupsPath": "/myRuntime/myContainer",
            "namespaces": [
              { "type": "pid", "path": "/proc/1234/ns/pid" }, { "type": "network", "path": "/var/run/netns/neta" },
              { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }, { "type": "user" }, { "type": "cgroup" }, { "type": "time" }
            ],
            "devices": [
              { "type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 3 },
              { "type": "p", "path": "/dev/pipe" }
            ],
            "netDevices": { "eth0": { "name": "container_eth0" }, "ens4": {} },
            "seccomp": {
              "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
              "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
              "flags": ["SECCOMP_FILTER_FLAG_LOG"],
              "listenerPath": "/run/listener.sock", "listenerMetadata": "opaque",
              "syscalls": [
                { "names": ["getcwd", "chmod"], "action": "SCMP_ACT_ALLOW" },
                { "names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0,
                  "args": [{ "index": 1, "value": 2080505856, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 18446744073709551615 }] }
              ]
            },
            "rootfsPropagation": "slave",
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            "mountLabel": "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811",
            "intelRdt": { "closID": "guaranteed_group", "schemata": ["L2:0=f"], "l3CacheSchema": "L3:0=7f0;1=1f",
              "memBwSchema": "MB:0=20;1=70", "enableMonitoring": true, "enableCMT": true, "enableMBM": true },
            "memoryPolicy": { "mode": "MPOL_INTERLEAVE", "nodes": "0-3", "flags": ["MPOL_F_STATIC_NODES"] },
            "personality": { "domain": "LINUX32", "flags": ["NONE_YET"] },
            "timeOffsets": { "monotonic": { "secs": -172800, "nanosecs": 5 }, "boottime": { "secs": 604800 } }
          },
          "vm": {
            "hypervisor": { "path": "/path/to/vmm", "parameters": ["opts1=foo"] },
            "kernel": { "path": "/path/to/vmlinuz", "parameters": ["foo=bar"], "initrd": "/path/to/initrd.img" },
            "image": { "path": "/path/to/root.img", "format": "raw" },
            "hwConfig": { "deviceTree": "/dt", "vcpus": 2, "memory": 4194304, "dtdevs": ["/soc/x"],
              "iomems": [{ "firstMFN": 1, "nrMFNs": 2, "firstGFN": 0 }], "irqs": [33] }
          }
        }
        """;
}
