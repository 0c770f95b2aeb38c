using System.Text;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.Fuzz;

/// <summary>The administrator's configuration file.</summary>
internal sealed class ConfigurationTarget : IFuzzTarget
{
    private const string File = "/etc/caisson/config.json";

    public string Name => "configuration";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        Encoding.UTF8.GetBytes("""
            {"isolation":"vm","allowedAnnotations":["io.caisson.*"],"vm":{"qemu":"/usr/bin/qemu","virtiofsd":"/usr/lib/qemu/virtiofsd","kernel":"/k","initrd":"/i",
            "accelerator":"tcg","vcpus":2,"memoryMiB":512,"kernelParameters":["a=b","c"]}}
            """),
    ];

    public IEnumerable<string> Words => ["isolation", "namespaces", "kernel", "auto", "kvm", "\\ud800", "//x", "vm", "vcpus"];

    public void Run(byte[] input)
    {
        try
        {
            _ = ConfigurationReader.Parse(File, input, Configuration.Empty);
        }
        catch (SandboxException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }
}

/// <summary>A container's state.json.</summary>
internal sealed class RecordTarget : IFuzzTarget
{
    private const string File = "/run/caisson/c/state.json";

    public string Name => "record";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        RecordFormat.Write(new ContainerRecord
        {
            Id = "c",
            Isolation = Isolation.Vm,
            Status = ContainerStatus.Running,
            BootId = "b",
            Init = new ProcessIdentity(12, 34),
            Bundle = "/b",
            Rootfs = "/b/rootfs",
            Created = DateTime.UnixEpoch,
            OciVersion = "1.2.0",
            Cgroup = "memory=/sys/fs/cgroup/memory/c\npids=/x",
            SandboxId = "0123456789abcdef",
            Cause = "why",
            WaitsOnFifo = true,
            Annotations = new Dictionary<string, string> { ["a"] = "b" },
        }),
    ];

    public IEnumerable<string> Words => ["caissonFormat", "annotations", "created", "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z", "stopped", "=/", "\\udc00"];

    public void Run(byte[] input)
    {
        try
        {
            ContainerRecord record = RecordFormat.Read(File, input);
            byte[] written = RecordFormat.Write(record);
            BrokenPromiseException.Require(written.AsSpan().SequenceEqual(RecordFormat.Write(RecordFormat.Read(File, written))), "what was written does not read back equal");
            _ = StateWriterOf(record);
        }
        catch (SandboxException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }

    private static string StateWriterOf(ContainerRecord record) => record.Cgroup is { } key ? string.Join(',', RecordedCgroup.Open(key).Paths.Keys) : "";
}

/// <summary>A sandbox's state.json.</summary>
internal sealed class SnapshotTarget : IFuzzTarget
{
    private const string File = "/run/caisson/sandboxes/0123456789abcdef/state.json";

    public string Name => "snapshot";

    public IShape Shape => JsonShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        SnapshotFile.Serialize(new SandboxSnapshot
        {
            Id = "0123456789abcdef",
            BootId = "b",
            Status = SandboxStatus.Ready,
            Cause = "why",
            Supervisor = new ProcessIdentity(10, 100),
            Guardian = new ProcessIdentity(11, 101),
            Machine = new ProcessIdentity(12, 102),
            FileServer = new ProcessIdentity(13, 103),
            Containers =
            [
                new ContainerSnapshot
                {
                    Id = "one",
                    Status = ContainerStatus.Paused,
                    Cause = "why",
                    Init = new ProcessSnapshot { ExecId = "", Status = ProcessStatus.Running, Terminal = true, Keeper = new ProcessIdentity(14, 104), KeeperSocket = "k.sock" },
                    Execs = [new ProcessSnapshot { ExecId = "e", Status = ProcessStatus.Exited, ExitCode = 137 }],
                    Shares = ["one/rootfs"],
                },
            ],
        }),
    ];

    public IEnumerable<string> Words => ["version", "status", "Ready", "17", "-1", "Stopped, Ready", "containers", "init", "execs", "keeper", "\\ud800"];

    public void Run(byte[] input)
    {
        try
        {
            byte[] written = SnapshotFile.Serialize(SnapshotFile.Parse(File, input));
            BrokenPromiseException.Require(written.AsSpan().SequenceEqual(SnapshotFile.Serialize(SnapshotFile.Parse(File, written))), "what was written does not read back equal");
        }
        catch (SandboxException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }
}

/// <summary>A container's journal, and the meaning of its intents.</summary>
internal sealed class JournalTarget : IFuzzTarget
{
    private const string File = "/run/caisson/c/journal";

    public string Name => "journal";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        Encoding.UTF8.GetBytes("""
            {"caissonFormat":1,"pid":12,"startTime":34,"bootId":"b"}
            {"kind":"directory","key":"/run/caisson/c","done":false}
            {"kind":"process","key":"12:34","done":false}
            {"kind":"cgroup","key":"memory=/sys/fs/cgroup/memory/c","done":false}
            {"kind":"sandbox","key":"/run/caisson/sandboxes/0123456789abcdef","done":false}
            {"kind":"process","key":"12:34","done":true}

            """),
    ];

    public IEnumerable<string> Words => ["{\"kind\":\"process\",\"key\":\"", "\",\"done\":false}\n", "\"kind\":\"mount\"", "\"key\":\"1\"", "99999999999", "\\ud800", "\\u0000", ":", "\n"];

    public void Run(byte[] input)
    {
        try
        {
            if (JournalContents.Parse(File, input) is not { } journal)
            {
                return;
            }

            foreach (Intent intent in journal.Open)
            {
                BrokenPromiseException.Require(!intent.Key.Contains('\0', StringComparison.Ordinal), "a key that the kernel would cut");
                if (intent.Kind == IntentKind.Process)
                {
                    _ = intent.ToProcess();
                }
            }
        }
        catch (SandboxException refused)
        {
            BrokenPromiseException.RequireClear(refused.Message, File);
        }
    }
}
