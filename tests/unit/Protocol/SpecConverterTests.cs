using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Ttrpc;
using Google.Protobuf;
using Wire = Caisson.Protocol.Wire;

namespace Caisson.UnitTests.Protocol;

public sealed class SpecConverterTests
{
    // Every field the protobuf form has, none at its default.
    private const string Full = """
        {
          "ociVersion": "1.2.0",
          "process": {
            "terminal": true, "consoleSize": {"height": 24, "width": 80},
            "user": {"uid": 1, "gid": 2, "additionalGids": [3, 4], "username": "u"},
            "args": ["sh", "-c", "true"], "env": ["A=b", "C="], "cwd": "/w",
            "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_CHOWN"], "inheritable": ["CAP_FOWNER"],
              "permitted": ["CAP_SETUID"], "ambient": ["CAP_SETGID"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 7}],
            "noNewPrivileges": true, "apparmorProfile": "p", "oomScoreAdj": -500, "selinuxLabel": "l"
          },
          "root": {"path": "rootfs", "readonly": true},
          "hostname": "h",
          "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "ro"]}],
          "hooks": {
            "prestart": [{"path": "/1", "args": ["1"], "env": ["X=y"], "timeout": 3}],
            "poststart": [{"path": "/2"}], "poststop": [{"path": "/3"}], "createRuntime": [{"path": "/4"}],
            "createContainer": [{"path": "/5"}], "startContainer": [{"path": "/6"}]
          },
          "annotations": {"a": "b", "c": ""},
          "linux": {
            "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
            "gidMappings": [{"containerID": 1, "hostID": 200000, "size": 10}],
            "sysctl": {"net.core.somaxconn": "256"},
            "resources": {
              "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 0, "access": "r"}],
              "memory": {"limit": 1, "reservation": 2, "swap": -1, "kernel": 3, "kernelTCP": 4, "swappiness": 5, "disableOOMKiller": true},
              "cpu": {"shares": 1, "quota": -1, "period": 2, "realtimeRuntime": 3, "realtimePeriod": 4, "cpus": "0-1", "mems": "0"},
              "pids": {"limit": 32},
              "blockIO": {"weight": 10, "leafWeight": 11, "weightDevice": [{"major": 8, "minor": 1, "weight": 12, "leafWeight": 13}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 2, "rate": 1}], "throttleWriteBpsDevice": [{"major": 8, "minor": 3, "rate": 2}],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 4, "rate": 3}], "throttleWriteIOPSDevice": [{"major": 8, "minor": 5, "rate": 4}]},
              "hugepageLimits": [{"pageSize": "2MB", "limit": 9}],
              "network": {"classID": 7, "priorities": [{"name": "eth0", "priority": 1}]}
            },
            "cgroupsPath": "/c", "namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}],
            "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 5, "gid": 6}],
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
              "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0,
                "args": [{"index": 1, "value": 2, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}, {"names": ["exit"], "action": "SCMP_ACT_ALLOW"}]},
            "rootfsPropagation": "private", "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "m",
            "intelRdt": {"l3CacheSchema": "L3:0=f"}
          }
        }
        """;

    [Fact]
    public void A_specification_comes_back_equal_over_the_wire()
    {
        OciSpec spec = SpecReader.Parse(System.Text.Encoding.UTF8.GetBytes(Full), "config.json");

        Wire.Spec wire = Wire.Spec.Parser.ParseFrom(SpecConverter.ToWire(spec).ToByteArray());

        Assert.Equal(spec, SpecConverter.FromWire(wire));
    }

    [Fact]
    public void An_empty_specification_comes_back_equal_over_the_wire()
    {
        var spec = new OciSpec();

        Assert.Equal(spec, SpecConverter.FromWire(Wire.Spec.Parser.ParseFrom(SpecConverter.ToWire(spec).ToByteArray())));
    }

    [Fact]
    public void Numbers_that_do_not_fit_the_model_are_refused_and_not_cut()
    {
        var process = new Wire.Process { OomScoreAdj = 1L << 40 };
        var resources = new Wire.Resources { BlockIo = new Wire.BlockIO { Weight = 70_000 } };
        var spec = new Wire.Spec { Linux = new Wire.Linux { Seccomp = new Wire.Seccomp() } };
        spec.Linux.Seccomp.Syscalls.Add(new Wire.Syscall { Args = { new Wire.SyscallArg { Index = 1UL << 32 } } });

        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => SpecConverter.FromWire(process)).Code);
        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => SpecConverter.FromWire(resources)).Code);
        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => SpecConverter.FromWire(spec)).Code);
    }

    [Fact]
    public void Random_bytes_give_a_specification_or_a_named_error()
    {
        byte[] sound = SpecConverter.ToWire(SpecReader.Parse(System.Text.Encoding.UTF8.GetBytes(Full), "config.json")).ToByteArray();
        var random = new Random(20261121);
        for (int round = 0; round < 5_000; round++)
        {
            byte[] bytes = sound[..random.Next(sound.Length + 1)];
            for (int change = random.Next(4); change > 0 && bytes.Length > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                SpecConverter.FromWire(Wire.Spec.Parser.ParseFrom(bytes));
            }
            catch (Exception expected) when (expected is InvalidProtocolBufferException or TtrpcException)
            {
            }
        }
    }
}
