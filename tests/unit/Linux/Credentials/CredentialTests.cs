using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Credentials;

public sealed class CredentialTests
{
    [Fact]
    public void Five_sets_are_applied_and_read_back() => Scratch.OnThread(() =>
    {
        CapabilitySet few = CapabilitySet.Of(Capability.CAP_KILL, Capability.CAP_NET_RAW, Capability.CAP_BPF);
        var wanted = new CapabilitySets(few, few, few, few, CapabilitySet.Of(Capability.CAP_KILL));

        Capabilities.Apply(wanted);

        Assert.Equal(wanted, Capabilities.Get());
        Assert.Equal(few, Capabilities.ParseHex(Status("CapBnd")));
        Assert.Equal(CapabilitySet.Of(Capability.CAP_KILL), Capabilities.ParseHex(Status("CapAmb")));
        Assert.Equal(few, Capabilities.ParseHex(Status("CapEff")));
        Assert.Equal(Errno.EPERM, Assert.Throws<SyscallException>(() => Capabilities.ApplyAfterUser(wanted with { Permitted = Capabilities.All })).Errno);
    });

    [Fact]
    public void Last_capability_is_the_one_of_proc() =>
        Assert.Equal(int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap")), (int)Capabilities.Last);

    [Theory]
    [InlineData("CAP_SYS_ADMIN", true)]
    [InlineData("net_raw", true)]
    [InlineData("CAP_", false)]
    [InlineData("CAP_NOTHING", false)]
    [InlineData("CAP_KILL,CAP_BPF", false)]
    [InlineData("5", false)]
    public void Names_are_read(string name, bool known) => Assert.Equal(known, CapabilityNames.TryParse(name, out _));

    [Fact]
    public void User_changes_with_capabilities_kept() => Scratch.OnThread(() =>
    {
        Prctl.SetKeepCapabilities(true);
        UserIds.SetSupplementaryGroups([7, 8]);
        UserIds.SetGroup(1234);
        UserIds.SetUser(1234);
        Prctl.SetKeepCapabilities(false);

        Assert.Equal("1234\t1234\t1234\t1234", Status("Uid"));
        Assert.Equal("1234\t1234\t1234\t1234", Status("Gid"));
        Assert.Equal("7 8 ", Status("Groups"));
        CapabilitySets now = Capabilities.Get();
        Assert.True(now.Permitted.Contains(Capability.CAP_KILL));
        Assert.Equal(CapabilitySet.Empty, now.Effective);
        Assert.NotEqual(0u, (uint)now.Permitted.Count);
    });

    [Fact]
    public void Attributes_of_a_thread_are_set() => Scratch.OnThread(() =>
    {
        Prctl.SetNoNewPrivileges();
        Prctl.SetSecureBits(SecureBits.NoRoot | SecureBits.NoRootLocked);
        Prctl.SetName("a-name-longer-than-fits");

        Assert.True(Prctl.NoNewPrivileges);
        Assert.Equal(SecureBits.NoRoot | SecureBits.NoRootLocked, Prctl.SecureBits);
        Assert.Equal("a-name-longer-t\n", SmallFile.ReadText("/proc/thread-self/comm"));
    });

    [Fact]
    public void Limits_are_set_and_names_read()
    {
        Assert.True(ResourceLimits.TryParse("RLIMIT_NOFILE", out ResourceLimit resource));
        Assert.False(ResourceLimits.TryParse("NOFILE", out _));
        Assert.False(ResourceLimits.TryParse("RLIMIT_7", out _));
        ResourceLimitPair before = ResourceLimits.Get(0, resource);
        ResourceLimits.Set(0, resource, before with { Soft = before.Soft - 1 });
        Assert.Equal(before.Soft - 1, ResourceLimits.Get(Environment.ProcessId, resource).Soft);
        ResourceLimits.Set(0, resource, before);
    }

    [Fact]
    public void Session_keyring_is_joined() => Scratch.OnThread(() =>
    {
        bool joined = Keyring.TryJoinSession("caisson-test", out int serial, out Errno why);

        Assert.True(joined || why is Errno.ENOSYS, $"keyctl: {why.Name()}");
        if (joined)
        {
            Assert.True(Keyring.TryAddPermissions(serial, 0x080000, out why), why.Name());
        }
    });

    [Fact]
    public void Scheduling_is_changed() => Scratch.OnThread(() =>
    {
        Scheduling.SetAttributes(0, new SchedulingAttributes { Policy = SchedulingPolicy.Batch, Nice = 3 });
        Scheduling.SetPolicy(0, SchedulingPolicy.Idle, 0);
        Scheduling.SetIoPriority(0, IoPriorityClass.BestEffort, 6);
        Scheduling.SetAffinity(0, "0");

        Assert.Equal("0", Status("Cpus_allowed_list"));
    });

    [Fact]
    public void Processor_lists_are_read()
    {
        Assert.Equal([0b1000_1101, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], Scheduling.ParseProcessors("0, 2-3,7,64"));
        foreach (string wrong in new[] { "x", "3-1", "1-2-3", "99999", "-1" })
        {
            Assert.Throws<FormatException>(() => Scheduling.ParseProcessors(wrong));
        }
    }

    [Fact]
    public void Title_shows_in_cmdline()
    {
        byte[] before = SmallFile.Read("/proc/self/cmdline");
        string name = SmallFile.ReadText("/proc/self/comm").TrimEnd('\n');
        string[] title = ["/bin/sleep", "infinity and a rather long argument that needs room", new string('x', 5000)];

        ProcessTitle.Set(title);

        Assert.Equal(string.Join('\0', title) + '\0', SmallFile.ReadText("/proc/self/cmdline"));
        ProcessTitle.SetInPlace(["/bin/true", "x"]);
        Assert.Equal("/bin/true\0x", SmallFile.ReadText("/proc/self/cmdline").TrimEnd('\0'));
        ProcessTitle.Set(System.Text.Encoding.UTF8.GetString(before).TrimEnd('\0').Split('\0'));
        Prctl.SetName(name);
        Assert.Equal(before, SmallFile.Read("/proc/self/cmdline"));
    }

    [Fact]
    public void User_database_skips_what_it_cannot_read()
    {
        UserDatabase database = UserDatabase.Parse(
            """
            root:x:0:0:root:/root:/bin/sh
            broken line
            :x:5:5::/:
            big:x:99999999999:5::/:/bin/sh
            web:x:33:34:Web,,,:/var/www:/usr/sbin/nologin
            """u8,
            "root:x:0:\nvideo:x:44:web, root\nvideo2:x:44:web\nshort:x:7\nbad:x:y:web\n"u8);

        Assert.Equal(["root", "web"], database.Users.Select(u => u.Name));
        Assert.Equal("/var/www", database.FindUser(33)!.Home);
        Assert.Equal(34u, database.FindUser("web")!.GroupId);
        Assert.Null(database.FindUser("nobody"));
        Assert.Equal(44u, database.FindGroup("video")!.GroupId);
        Assert.Equal([44u], database.GroupsOf("web"));
    }

    [Fact]
    public void User_database_of_a_root_never_blocks_on_a_fifo()
    {
        using var scratch = new Scratch();
        Rooted.MakeNode(scratch.Root, "/etc/passwd", FileType.Fifo, 0x1B6);

        Assert.Empty(UserDatabase.Read(scratch.Root).Users);
    }

    private static string Status(string field) =>
        SmallFile.ReadText("/proc/thread-self/status").Split('\n').First(l => l.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 2)..];
}
