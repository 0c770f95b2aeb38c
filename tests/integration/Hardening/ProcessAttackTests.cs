using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Hardening;

/// <summary>What a workload must not get from whoever started it, and what it must not be able to do to its cgroup.</summary>
public sealed class ProcessAttackTests : ContainerTest
{
    // CVE-2022-24769: inheritable capabilities that nobody asked for.
    [Theory, Isolations]
    public void Inheritable_capabilities_are_empty_unless_asked_for(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("grep -E 'CapInh|CapAmb' /proc/self/status");

        string output = place.RunBundle().Expect();

        Assert.Equal("CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n", output);
    }

    // CVE-2022-29162: the same of exec, where a capability is added.
    [Theory, Isolations]
    public void Exec_with_a_capability_does_not_make_it_inheritable(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach().CloseInput();

        string plain = place.Run("exec", place.Id, "grep", "-E", "CapInh|CapAmb", "/proc/self/status").Expect();
        string added = place.Run("exec", "--cap", "CAP_SYS_ADMIN", place.Id, "grep", "-E", "CapInh", "/proc/self/status").Expect();

        Assert.Equal("CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n", plain);
        Assert.Equal("CapInh:\t0000000000000000\n", added);
        place.Run("delete", "--force", place.Id).Expect();
    }

    // CVE-2024-21626: a working directory, or a program, that is a descriptor of the host.
    [RootFact]
    public void Descriptor_of_the_host_is_neither_working_directory_nor_program()
    {
        Workplace place = Place(Isolation.Namespaces);
        File.CreateSymbolicLink(place.Bundle.InRoot("link"), "/proc/self/fd/9");
        place.Bundle.Arguments("ls", "etc");
        Directory.CreateDirectory(Path.Combine(place.Path, "secret"));

        for (int number = 3; number < 16; number++)
        {
            place.Bundle.Edit(config => config["process"]!["cwd"] = $"/proc/self/fd/{number}");
            Refused(place, WithHostDescriptor(place, "run"));
        }

        foreach (string cwd in (string[])["/link", "/proc/1/root", "/proc/self/cwd", "/proc/self/fd/9/../../../.."])
        {
            place.Bundle.Edit(config => config["process"]!["cwd"] = cwd);
            CommandResult result = WithHostDescriptor(place, "run");
            Assert.DoesNotContain("secret", result.Output);
        }

        place.Bundle.Edit(config => config["process"]!["cwd"] = "/").Arguments("/proc/self/fd/9/bin/sh", "-c", "echo out");
        Assert.DoesNotContain("out", WithHostDescriptor(place, "run").Output);
    }

    // CVE-2024-21626 by exec.
    [RootFact]
    public void Exec_refuses_a_descriptor_of_the_host_as_its_working_directory()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach().CloseInput();

        for (int number = 3; number < 16; number++)
        {
            Refused(place, WithHostDescriptor(place, "exec", "--cwd", $"/proc/self/fd/{number}"));
        }

        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Descriptors_and_environment_of_the_caller_stay_with_him()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("ls /proc/self/fd; ls -l /proc/1/fd | grep -c /; cat /proc/1/environ | tr '\\0' '\\n'");

        CommandResult result = WithHostDescriptor(place, "run");

        // The fourth is what ls reads the directory by; init has its three pipes and nothing with a path.
        Assert.StartsWith("0\n1\n2\n3\n", result.Expect());
        Assert.DoesNotContain("CAISSON_TEST_SECRET", result.Output);
        Assert.Contains("PATH=", result.Output);
    }

    // What stays beside a detached container, in either isolation: its init or keeper, supervisor, guardian, QEMU, virtiofsd.
    [Theory, Isolations]
    public void Nothing_that_stays_holds_the_callers_descriptors_or_environment(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        using var caller = RunningCommand.Start(
            "/bin/sh",
            ["-c", "exec 9</ && exec \"$@\" </dev/null >/dev/null", "sh", Executable.Path, .. place.Globals, "run", "--detach", "--bundle", place.Bundle.Path, place.Id],
            start => start.Environment["CAISSON_TEST_SECRET"] = "1");
        Assert.Equal(0, caller.CloseInput().WaitForExit());

        List<ProcessEntry> left = [.. ProcessTable.Descendants(ProcessTable.Read()).Where(process => !process.IsZombie)];

        Assert.NotEmpty(left);
        Assert.All(left, process =>
        {
            Assert.DoesNotContain("CAISSON_TEST_SECRET", ProcessTable.Text($"/proc/{process.Pid}/environ"));
            foreach (string descriptor in Directory.EnumerateFiles($"/proc/{process.Pid}/fd"))
            {
                Assert.False(new FileInfo(descriptor).LinkTarget == "/" && descriptor.EndsWith("/9", StringComparison.Ordinal), ProcessTable.Describe(process.Pid));
            }
        });
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Exec_gets_no_descriptors_and_no_environment_of_its_caller()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach().CloseInput();

        CommandResult result = WithHostDescriptor(place, "exec", [], "sh", "-c", "ls /proc/self/fd; cat /proc/self/environ | tr '\\0' '\\n'");

        Assert.StartsWith("0\n1\n2\n3\n", result.Expect());
        Assert.DoesNotContain("CAISSON_TEST_SECRET", result.Output);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Hooks_get_the_environment_of_their_configuration_and_no_other()
    {
        Workplace place = Place(Isolation.Namespaces);
        string seen = Path.Combine(place.Path, "seen");
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject
        {
            ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", $"env >{seen}; ls /proc/self/fd >>{seen}"), ["env"] = new JsonArray("OWN=1", "PATH=/bin:/usr/bin") }),
        });

        WithHostDescriptor(place, "run").Expect();

        string text = File.ReadAllText(seen);
        Assert.DoesNotContain("CAISSON_TEST_SECRET", text);
        Assert.Contains("OWN=1", text);
        Assert.DoesNotContain("\n9\n", text);
    }

    // A key in the caller's session keyring, which another user sees only if the keyring is his too: with --no-new-keyring it is.
    [RootFact]
    public void Keys_of_the_caller_stay_with_him()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("cat /proc/keys").Edit(config =>
        {
            config["linux"]!["maskedPaths"] = new JsonArray();
            config["process"]!["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000 };
        });
        string own = "";
        string callers = "";
        var thread = new Thread(() =>
        {
            JoinSessionWithKey("caisson-test-secret");
            own = place.RunBundle().Expect();
            callers = place.RunBundle("--no-new-keyring").Expect();
        });
        thread.Start();
        thread.Join();

        Assert.Contains("caisson-test-secret", callers);
        Assert.DoesNotContain("caisson-test-secret", own);
    }

    // CVE-2023-25809: a writable view of cgroups where the container has no cgroup namespace.
    [RootFact]
    public void Cgroups_cannot_be_written_where_the_mount_is_read_only()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid", "noexec", "nodev").Edit(config =>
        {
            JsonArray namespaces = config["linux"]!["namespaces"]!.AsArray();
            foreach (JsonNode? one in namespaces.Where(one => (string)one!["type"]! == "cgroup").ToList())
            {
                namespaces.Remove(one);
            }

            namespaces.Add(new JsonObject { ["type"] = "user" });
            config["linux"]!["uidMappings"] = Identity();
            config["linux"]!["gidMappings"] = Identity();
        });
        place.Bundle.Script("for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/caisson-escape 2>/dev/null && echo made $d; (echo $$ >$d/cgroup.procs) 2>/dev/null && echo moved $d; done; echo end");

        CommandResult result = place.RunBundle();

        Assert.Equal("end\n", result.Expect());
    }

    // Out of its cgroup: by a path in the configuration, by exec, and by a mount of its own.
    [RootFact]
    public void Container_stays_in_its_cgroup()
    {
        Workplace place = Place(Isolation.Namespaces);
        string name = place.Id;
        place.Bundle.Arguments("sleep", "1000").Edit(config => config["linux"]!["cgroupsPath"] = $"/../../../../tmp/{name}");
        Assert.Contains("linux.cgroupsPath", place.RunBundle().Error);
        Assert.False(Directory.Exists($"/tmp/{name}"));
        place.Bundle.Edit(config => config["linux"]!.AsObject().Remove("cgroupsPath"));
        place.Detach().CloseInput();

        Assert.Contains("sub cgroup path", place.Run("exec", "--cgroup", "/../..", place.Id, "true").Error);
        Assert.NotEqual(0, place.Run("exec", place.Id, "sh", "-c", "mkdir -p /tmp/c && mount -t cgroup -o memory none /tmp/c").ExitCode);
        Assert.NotEqual(0, place.Run("exec", place.Id, "sh", "-c", "echo 1 >/sys/fs/cgroup/release_agent").ExitCode);
        place.Run("delete", "--force", place.Id).Expect();
    }

    private static JsonArray Identity() => [new JsonObject { ["containerID"] = 0, ["hostID"] = 100000, ["size"] = 65536 }];

    private static void Refused(Workplace place, CommandResult result)
    {
        Assert.NotEqual(0, result.ExitCode);
        Assert.True(
            result.Error.Contains("possible container breakout detected", StringComparison.Ordinal) || result.Error.Contains("no such file or directory", StringComparison.Ordinal)
            || result.Error.Contains("not a directory", StringComparison.Ordinal),
            result.ToString());
        Assert.DoesNotContain(place.Id + "/", result.Output);
    }

    // A caller that holds the host's root directory as descriptor 9, not closed on exec, and a secret in its environment.
    private static CommandResult WithHostDescriptor(Workplace place, string command, params string[] flags) =>
        WithHostDescriptor(place, command, flags, command == "exec" ? ["true"] : []);

    private static CommandResult WithHostDescriptor(Workplace place, string command, string[] flags, params string[] arguments)
    {
        string[] where = command == "run" ? ["--bundle", place.Bundle.Path] : [];
        using var caller = RunningCommand.Start(
            "/bin/sh",
            ["-c", "exec 9</; exec \"$@\"", "sh", Executable.Path, .. place.Globals, command, .. where, .. flags, place.Id, .. arguments],
            start => start.Environment["CAISSON_TEST_SECRET"] = "1");
        return caller.CloseInput().Wait();
    }

    private static void JoinSessionWithKey(string description)
    {
        const long AddKey = 248;      // x86-64
        const long KeyControl = 250;
        const long JoinSession = 1;   // KEYCTL_JOIN_SESSION_KEYRING
        const int SessionKeyring = -3;
        Assert.True(keyctl(KeyControl, JoinSession, "caisson-test") >= 0);
        Assert.True(add_key(AddKey, "user", description, [1], 1, SessionKeyring) >= 0);
    }

#pragma warning disable SYSLIB1054 // Source-generated imports would need unsafe code in the tests.
    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern long keyctl(long number, long operation, string name);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern long add_key(long number, string type, string description, byte[] payload, nint length, int keyring);
#pragma warning restore SYSLIB1054
}
