using System.Text;
using System.Text.Json.Nodes;
using Caisson.Oci;

namespace Caisson.UnitTests.Oci;

public sealed class SpecValidatorTests
{
    private static readonly SpecValidation s_default = new();

    /// <summary>The default specification with one field set: a JSON path with dots, and a JSON value ("-" removes the field).</summary>
    private static SpecVerdict With(string path, string value, SpecValidation? validation = null)
    {
        JsonNode root = JsonNode.Parse(SpecWriter.Write(DefaultSpec.Create(rootless: false)))!;
        JsonNode place = root;
        string[] steps = path.Split('.');
        foreach (string step in steps.AsSpan(0, steps.Length - 1))
        {
            place = int.TryParse(step, out int index) ? place[index]! : place[step] ??= new JsonObject();
        }
        if (value == "-")
        {
            place.AsObject().Remove(steps[^1]);
        }
        else
        {
            place[steps[^1]] = JsonNode.Parse(value);
        }
        return SpecValidator.Validate(SpecReader.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()), "config.json"), validation ?? s_default);
    }

    [Fact]
    public void Default_specifications_are_valid_without_a_warning()
    {
        foreach (bool rootless in (bool[])[false, true])
        {
            SpecVerdict verdict = SpecValidator.Validate(DefaultSpec.Create(rootless), new SpecValidation { Rootless = rootless });

            Assert.Empty(verdict.Errors);
            Assert.Empty(verdict.Warnings);
        }
    }

    [Theory]
    [InlineData("ociVersion", "-", "ociVersion: the version of the specification must be given, e.g. 1.2.1")]
    [InlineData("ociVersion", "\"one\"", "ociVersion: not a semantic version: \"one\"")]
    [InlineData("ociVersion", "\"1.0\"", "ociVersion: not a semantic version: \"1.0\"")]
    [InlineData("ociVersion", "\"2.0.0\"", "ociVersion: only versions 1.x of the specification are understood, not \"2.0.0\"")]
    [InlineData("root", "-", "root.path: root must be specified")]
    [InlineData("process", "-", "process: process property must not be empty")]
    [InlineData("process.args", "[]", "process.args: args must not be empty")]
    [InlineData("process.cwd", "\"\"", "process.cwd: Cwd property must not be empty")]
    [InlineData("process.cwd", "\"tmp\"", "process.cwd: Cwd must be an absolute path")]
    [InlineData("process.env", "[\"A=1\",\"B\"]", "process.env[1]: invalid environment variable: missing '='")]
    [InlineData("process.env", "[\"=1\"]", "process.env[0]: invalid environment variable: name cannot be empty")]
    [InlineData("process.rlimits", """[{"type":"RLIMIT_X","hard":1,"soft":1}]""", "process.rlimits[0].type: wrong rlimit value: \"RLIMIT_X\"")]
    [InlineData("process.rlimits", """[{"type":"RLIMIT_AS","hard":1,"soft":1},{"type":"RLIMIT_AS","hard":1,"soft":1}]""", "process.rlimits[1].type: RLIMIT_AS comes a second time")]
    [InlineData("process.rlimits", """[{"type":"RLIMIT_AS","hard":1,"soft":2}]""", "process.rlimits[0].soft: the soft limit is above the hard one")]
    [InlineData("process.consoleSize", """{"height":65536,"width":1}""", "process.consoleSize: a terminal has at most 65535 rows and columns")]
    [InlineData("process.oomScoreAdj", "1001", "process.oomScoreAdj: must be from -1000 to 1000")]
    [InlineData("process.ioPriority", """{"class":"IOPRIO_CLASS_BE","priority":8}""", "process.ioPriority.priority: invalid ioPriority.Priority: 8")]
    [InlineData("process.scheduler", """{"policy":"SCHED_OTHER","nice":20}""", "process.scheduler.nice: invalid scheduler.nice: 20 when scheduler.policy is SCHED_OTHER")]
    [InlineData("process.scheduler", """{"policy":"SCHED_OTHER","priority":1}""", "process.scheduler.priority: scheduler.priority can only be specified for SchedFIFO or SchedRR policy")]
    [InlineData("process.execCPUAffinity", """{"initial":"3-1"}""", "process.execCPUAffinity.initial: not a list of numbers and ranges such as 0-3,7: \"3-1\"")]
    [InlineData("annotations", """{"":"x"}""", "annotations: a key must not be empty")]
    [InlineData("mounts.0.destination", "\"\"", "mounts[0].destination: must not be empty")]
    [InlineData("mounts.0.uidMappings", """[{"containerID":0,"hostID":1,"size":1}]""", "mounts[0].gidMappings: id-mapped mounts must have both uid and gid mappings specified")]
    [InlineData("mounts.0.options", "[\"idmap\",\"bind\"]", "mounts[0].options: an id-mapped mount without mappings takes those of the user namespace, and there is none")]
    [InlineData("hooks.poststop", """[{"path":"bin"}]""", "hooks.poststop[0].path: must be an absolute path")]
    [InlineData("hooks.prestart", """[{"path":"/a"},{"path":"/a","timeout":0}]""", "hooks.prestart[1].timeout: must be greater than zero")]
    [InlineData("linux.namespaces", """[{"type":"mount"},{"type":"uts"},{"type":"pid"},{"type":"pid"}]""", "linux.namespaces[3].type: malformed spec file: duplicated ns \"pid\"")]
    [InlineData("linux.namespaces", """[{"type":"mount"},{"type":"uts"},{"type":"mnt"}]""", "linux.namespaces[2].type: namespace \"mnt\" does not exist")]
    [InlineData("linux.namespaces", """[{"type":"mount"},{"type":"uts","path":"ns"}]""", "linux.namespaces[1].path: must be an absolute path")]
    [InlineData("linux.namespaces", """[{"type":"mount"}]""", "hostname: unable to set hostname without a private UTS namespace")]
    [InlineData("linux.namespaces", """[{"type":"uts"}]""", "linux.maskedPaths: unable to restrict sys entries without a private MNT namespace")]
    [InlineData("linux.namespaces", """[{"type":"uts"},{"type":"mount"},{"type":"user"}]""", "linux.uidMappings: user namespaces enabled, but no namespace path to join nor mappings to apply specified")]
    [InlineData("linux.uidMappings", """[{"containerID":0,"hostID":1,"size":1}]""", "linux.uidMappings: user namespace mappings specified, but user namespace isn't enabled in the config")]
    [InlineData("linux.uidMappings", """[{"containerID":0,"hostID":4294967295,"size":2}]""", "linux.uidMappings[0].size: the range goes beyond the last id")]
    [InlineData("linux.gidMappings", """[{"containerID":0,"hostID":5,"size":2},{"containerID":1,"hostID":9,"size":2}]""", "linux.gidMappings[1]: overlaps the range at [0]")]
    [InlineData("linux.timeOffsets", """{"boottime":{"secs":1}}""", "linux.timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config")]
    [InlineData("linux.sysctl", """{"kernel.panic":"1"}""", "linux.sysctl[\"kernel.panic\"]: sysctl \"kernel.panic\" is not in a separate kernel namespace")]
    [InlineData("linux.sysctl", """{"kernel/hostname":"x"}""", "linux.sysctl[\"kernel/hostname\"]: sysctl \"kernel.hostname\" is not allowed as it conflicts with the OCI \"hostname\" field")]
    [InlineData("linux.sysctl", """{"user.max_user_namespaces":"1"}""", "linux.sysctl[\"user.max_user_namespaces\"]: setting ucounts without a user namespace not allowed: \"user.max_user_namespaces\"")]
    [InlineData("linux.maskedPaths", "[\"proc\"]", "linux.maskedPaths[0]: must be an absolute path")]
    [InlineData("linux.devices", """[{"type":"x","path":"/dev/x"}]""", "linux.devices[0].type: invalid device type \"x\"")]
    [InlineData("linux.devices", """[{"type":"c","path":"/dev/x","major":-1}]""", "linux.devices[0]: no device has the numbers -1:0")]
    [InlineData("linux.cgroupsPath", "\"a/../../b\"", "linux.cgroupsPath: must not contain .. or a line's end")]
    [InlineData("linux.rootfsPropagation", "\"public\"", "linux.rootfsPropagation: rootfsPropagation=\"public\" is not supported")]
    [InlineData("linux.netDevices", """{"eth0":{"name":"a/b"}}""", "linux.netDevices.eth0: invalid network device name")]
    [InlineData("linux.intelRdt", """{"closID":"a/b"}""", "linux.intelRdt.closID: invalid intelRdt.ClosID \"a/b\"")]
    [InlineData("linux.memoryPolicy", """{"mode":"MPOL_BIND"}""", "linux.memoryPolicy.nodes: MPOL_BIND requires at least one node")]
    [InlineData("linux.personality", """{"domain":"BSD"}""", "linux.personality.domain: invalid personality domain \"BSD\"")]
    [InlineData("linux.resources.devices", """[{"allow":true}]""", "linux.resources.devices[0].access: device access field cannot be empty")]
    [InlineData("linux.resources.devices", """[{"allow":true,"access":"x"}]""", "linux.resources.devices[0].access: must be made of r, w and m: \"x\"")]
    [InlineData("linux.resources.unified", """{"../x":"1"}""", "linux.resources[\"unified\"]")]
    [InlineData("linux.resources.hugepageLimits", """[{"pageSize":"2M","limit":1}]""", "linux.resources.hugepageLimits[0].pageSize: must be a size such as 64KB, 2MB or 1GB")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_NOTIFY"}""", "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action")]
    [InlineData("linux.seccomp", """{"defaultAction":"ALLOW"}""", "linux.seccomp.defaultAction: string \"ALLOW\" is not a valid action for seccomp")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_KILL","defaultErrnoRet":1}""", "linux.seccomp.defaultErrnoRet: SCMP_ACT_KILL has no errno")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_ALLOW","architectures":["x86"]}""", "linux.seccomp.architectures[0]: string \"x86\" is not a valid arch for seccomp")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_KILL"}]}""", "linux.seccomp.syscalls[0].names: must name at least one system call")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]}""", "linux.seccomp.syscalls[0].names: SCMP_ACT_NOTIFY cannot be used for the write syscall")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["open"],"action":"SCMP_ACT_NOTIFY"}]}""", "linux.seccomp.listenerPath: seccomp listenerPath is not set")]
    [InlineData("linux.seccomp", """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["open"],"action":"SCMP_ACT_KILL","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]}""", "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5")]
    [InlineData("vm.image", """{"path":"/x","format":"raw"}""", "vm.kernel.path: must be an absolute path")]
    public void Broken_rule_is_the_first_error(string path, string value, string message)
    {
        SpecVerdict verdict = With(path, value);

        Assert.StartsWith(message.Replace("[\"unified\"]", ".unified[\"../x\"]: unified resource", StringComparison.Ordinal), verdict.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.StartsWith("config.json: " + verdict.Errors[0].JsonPath, Assert.Throws<SpecException>(() => verdict.ThrowIfInvalid("config.json")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("linux.sysctl", """{"net.ipv4.ip_forward":"1","net/ipv4/conf/eth0.100/rp_filter":"1","kernel.shmmax":"1","fs.mqueue.msg_max":"1","kernel.domainname":"x"}""")]
    [InlineData("linux.devices", """[{"type":"c","path":"/dev/fuse","major":10,"minor":229,"fileMode":8630}]""")]
    [InlineData("linux.resources.memory", """{"swappiness":18446744073709551615}""")]
    [InlineData("ociVersion", "\"1.0.0-rc5+dev\"")]
    [InlineData("linux.namespaces", """[{"type":"uts"},{"type":"mount"},{"type":"user","path":"/proc/1/ns/user"}]""")]
    public void Unusual_but_right_is_accepted(string path, string value)
    {
        SpecVerdict verdict = With(path, value);

        Assert.Empty(verdict.Errors);
        Assert.Empty(verdict.Warnings);
    }

    [Theory]
    [InlineData("mounts.0.destination", "\"proc\"", "mounts[0].destination: relative destination path is **deprecated**, using it as relative to /: \"proc\"")]
    [InlineData("process.capabilities.ambient", "[\"CAP_KILL\",\"CAP_FLY\"]", "process.capabilities.ambient[1]: ignoring unknown or unavailable capability \"CAP_FLY\"")]
    [InlineData("linux.resources.devices", """[{"allow":false,"access":"rwa"}]""", "linux.resources.devices[0].access: letters other than r, w and m mean nothing: \"rwa\"")]
    public void Doubtful_is_a_warning(string path, string value, string message)
    {
        SpecVerdict verdict = With(path, value);

        Assert.Empty(verdict.Errors);
        Assert.Equal(message, Assert.Single(verdict.Warnings).ToString());
    }

    [Fact]
    public void Systemd_wants_three_parts_in_the_cgroups_path()
    {
        var systemd = new SpecValidation { SystemdCgroup = true };

        Assert.True(With("linux.cgroupsPath", "\"system.slice:caisson:id\"", systemd).IsValid);
        Assert.Equal("linux.cgroupsPath", With("linux.cgroupsPath", "\"/a/b\"", systemd).Errors[0].JsonPath);
    }

    [Fact]
    public void Network_sysctl_is_refused_when_the_joined_namespace_is_the_runtimes_own()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        spec = spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces = [new() { Type = "network", Path = "/proc/self/ns/net" }, new() { Type = "uts" }, new() { Type = "mount" }],
                Sysctl = SpecMap.Empty<string>().With("net.core.somaxconn", "1"),
            },
        };

        Assert.True(SpecValidator.Validate(spec).IsValid);
        Assert.False(SpecValidator.Validate(spec, new SpecValidation { IsOwnNetworkNamespace = _ => true }).IsValid);
    }

    [Fact]
    public void Kernel_of_its_own_has_every_sysctl_but_the_host_name()
    {
        var own = new SpecValidation { OwnKernel = true };

        Assert.True(With("linux.sysctl", """{"vm.max_map_count":"1","net.ipv4.ip_forward":"1"}""", own).IsValid);
        Assert.False(With("linux.sysctl", """{"kernel.hostname":"x"}""", own).IsValid);
        Assert.False(With("linux.sysctl", """{"vm..":"1"}""", own).IsValid);
        Assert.False(With("linux.sysctl", """{"vm.max_map_count":"1"}""").IsValid);
    }

    [Fact]
    public void Bare_process_and_resources_are_judged_with_their_own_paths()
    {
        Assert.Equal("cwd", SpecValidator.ValidateProcess(new OciProcess { Args = ["x"] }).Errors[0].JsonPath);
        Assert.Equal("cpu.idle", SpecValidator.ValidateResources(new LinuxResources { Cpu = new LinuxCpu { Idle = 2 } }).Errors[0].JsonPath);
    }

    [Fact]
    public void Process_is_not_needed_where_nothing_is_created()
    {
        Assert.True(With("process", "-", new SpecValidation { ProcessRequired = false }).IsValid);
    }

    [Fact]
    public void Number_of_problems_is_bounded()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        string[] relative = new string[1000];
        Array.Fill(relative, "x");

        Assert.Equal(64, SpecValidator.Validate(spec with { Linux = spec.Linux! with { MaskedPaths = [.. relative] } }).Errors.Count);
    }
}
