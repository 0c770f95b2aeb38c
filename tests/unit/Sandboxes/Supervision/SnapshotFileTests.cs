using System.Text;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Supervision;

public sealed class SnapshotFileTests
{
    private static readonly ContainerSnapshot[] s_none = [];

    private static readonly SandboxSnapshot s_full = new()
    {
        Id = "0123456789abcdef",
        BootId = "a-boot",
        Status = SandboxStatus.Ready,
        Owner = "one",
        IsPod = true,
        Cause = "a \"quoted\" cause\nwith a line",
        Supervisor = new ProcessIdentity(10, 100),
        Guardian = new ProcessIdentity(11, ulong.MaxValue),
        Machine = new ProcessIdentity(12, 102),
        FileServer = new ProcessIdentity(13, 103),
        Network = new NetworkSnapshot
        {
            Model = NetworkModel.TcFilter,
            NamespacePath = "/run/netns/a",
            NamespaceId = ulong.MaxValue,
            Inbound = 1,
            Outbound = ulong.MaxValue,
            Interfaces = [new NetworkAttachment("eth0", 7, "tap0_caisson", "02:00:00:00:00:01", IsLimited: true)],
        },
        Containers =
        [
            new ContainerSnapshot
            {
                Id = "one",
                Status = ContainerStatus.Paused,
                Cause = "why",
                Init = new ProcessSnapshot
                {
                    ExecId = "",
                    Status = ProcessStatus.Running,
                    Terminal = true,
                    Keeper = new ProcessIdentity(14, 104),
                    KeeperSocket = "keeper-1.sock",
                },
                Execs = [new ProcessSnapshot { ExecId = "exec-1", Status = ProcessStatus.Exited, ExitCode = 137 }],
                Shares = ["one/rootfs", "one-00000001-etc"],
            },
        ],
    };

    [Fact]
    public void Everything_that_is_written_is_read_back()
    {
        SandboxSnapshot read = SnapshotFile.Parse("state.json", SnapshotFile.Serialize(s_full));

        Assert.Equal(SnapshotFile.Serialize(s_full), SnapshotFile.Serialize(read));
        Assert.Equal(s_full with { Containers = s_none, Network = null }, read with { Containers = s_none, Network = null });
        Assert.Equal(s_full.Network!.Interfaces, read.Network!.Interfaces);
        ContainerSnapshot container = Assert.Single(read.Containers);
        Assert.Equal(s_full.Containers[0].Init, container.Init);
        Assert.Equal(s_full.Containers[0].Execs, container.Execs);
        Assert.Equal(s_full.Containers[0].Shares, container.Shares);
    }

    [Fact]
    public void Another_format_version_is_refused_by_number()
    {
        string other = Encoding.UTF8.GetString(SnapshotFile.Serialize(s_full)).Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal);

        SandboxException refused = Assert.Throws<SandboxException>(() => SnapshotFile.Parse("state.json", Encoding.UTF8.GetBytes(other)));

        Assert.Contains("format version 2", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"status\":\"Ready\"", "\"status\":\"Nosuch\"")]
    [InlineData("\"status\":\"Ready\"", "\"status\":\"17\"")]
    [InlineData("\"status\":\"Ready\"", "\"status\":\"Booting, Ready\"")]
    [InlineData("\"status\":\"Ready\"", "\"status\":null")]
    [InlineData("\"bootId\":\"a-boot\"", "\"bootId\":null")]
    [InlineData("\"one/rootfs\"", "null")]
    public void A_value_that_was_never_written_is_damage(string written, string damaged)
    {
        string text = Encoding.UTF8.GetString(SnapshotFile.Serialize(s_full));
        Assert.Contains(written, text, StringComparison.Ordinal);

        SandboxException refused = Assert.Throws<SandboxException>(
            () => SnapshotFile.Parse("/s/state.json", Encoding.UTF8.GetBytes(text.Replace(written, damaged, StringComparison.Ordinal))));

        Assert.Contains("/s/state.json: damaged", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_one_clear_error_that_names_it()
    {
        string directory = Directory.CreateTempSubdirectory("snapshot").FullName;
        try
        {
            byte[] whole = SnapshotFile.Serialize(s_full);
            var random = new Random(7);
            for (int i = 0; i < 300; i++)
            {
                byte[] damaged = whole[..random.Next(whole.Length)];
                if (damaged.Length > 0)
                {
                    damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 255);
                }

                File.WriteAllBytes($"{directory}/{SnapshotFile.Name}", damaged);
                SandboxException refused = Assert.Throws<SandboxException>(() => SnapshotFile.Read(directory));
                Assert.Contains("sandbox state", refused.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void A_snapshot_is_replaced_as_a_whole()
    {
        string directory = Directory.CreateTempSubdirectory("snapshot").FullName;
        try
        {
            SnapshotFile.Write(directory, s_full);
            SnapshotFile.Write(directory, s_full with { Status = SandboxStatus.Stopped });

            Assert.Equal(SandboxStatus.Stopped, SnapshotFile.Read(directory).Status);
            Assert.Single(Directory.GetFileSystemEntries(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
