using System.Text;
using Caisson.Agent;
using Caisson.Linux;

namespace Caisson.Fuzz;

/// <summary>Files of the kernel: mountinfo, cgroups and their statistics. A process's name and its mounts are chosen by workloads.</summary>
internal sealed class KernelTextTarget : IFuzzTarget
{
    public string Name => "kernel-text";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        """
        22 26 0:20 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
        35 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid master:9 propagate_from:2 - cgroup cgroup rw,cpu,cpuacct
        36 24 0:31 /a\040b /sys/fs/cgroup/unified rw - cgroup2 none rw,nsdelegate

        """u8.ToArray(),
        "12:pids:/x\n3:cpu,cpuacct:/x:y\n1:name=systemd:/\n0::/\n"u8.ToArray(),
        "cache 5\nrss 18446744073709551615\noom_kill 1\n8:0 Read 4096\n8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\nTotal 1\n"u8.ToArray(),
    ];

    public IEnumerable<string> Words => ["hugepages-2048kB", "hugepages-", " - ", "cgroup2", "0:0", "\\040", "\\777", "-", "99999999999"];

    public void Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        try
        {
            foreach (MountInfo mount in MountInfo.Parse(input))
            {
                _ = mount.IsShared || mount.IsSlave;
            }

            _ = CgroupLayout.Parse(input, text);
        }
        catch (FormatException)
        {
            // Documented; it names the line.
        }

        _ = KeyedFile.Parse(text);
        _ = KeyedFile.Find(text, "oom_kill");
        _ = Cgroup.ParseBlockLines(text);
        _ = Cgroup.ParseIoStat(text);
        _ = Cgroup.PageSizeName(text);
        _ = CgroupFile.ParseNumber(input);
    }
}

/// <summary>Texts that people, images and the host's half write: user databases, names of signals, the agent's own options.</summary>
internal sealed class UserTextTarget : IFuzzTarget
{
    public string Name => "user-text";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\ngroup:x:5:root,user\n"u8.ToArray(),
        "core: 00-virtio.ko 01-virtio_ring.ko\nvirtiofs: 02-fuse.ko\nrng:\n"u8.ToArray(),
        "console=ttyS0 quiet caisson.verbose caisson.vsock agent.log=debug"u8.ToArray(),
        "SIGTERM"u8.ToArray(), "512MiB"u8.ToArray(), "1h30m"u8.ToArray(), "mode=755,size=1m"u8.ToArray(), "CAP_NET_ADMIN"u8.ToArray(),
    ];

    public IEnumerable<string> Words => ["4294967295", "4294967296", "-1", "KILL", "GiB", "99999999999999999999", ":", ",", "="];

    public void Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        UserDatabase users = UserDatabase.Parse(input, input);
        _ = users.FindUser("root");
        _ = users.GroupsOf("user");
        _ = Enum.IsDefined(SignalOf(text));
        _ = SizeText.TryParse(text, out _);
        _ = DurationText.TryParse(text, out _);
        _ = CapabilityNames.TryParse(text, out _);
        _ = BootOptions.Parse(text);
        _ = ModuleGroups.Parse(text);
        _ = Sandboxes.ContainerId.IsValid(text);
    }

    private static Signal SignalOf(string text) => SignalNames.TryParse(text, out Signal signal) ? signal : Signal.None;
}
