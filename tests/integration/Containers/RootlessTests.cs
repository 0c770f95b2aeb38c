using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Containers of a user who is not root, and who gets no help of sudo.</summary>
public sealed class RootlessTests : ContainerTest
{
    private const uint User = 54321;

    // By setpriv(1): the user needs no entry in /etc/passwd, except where newuidmap(1) asks for his name.
    private static readonly string s_become = $"setpriv --reuid {User} --regid {User} --clear-groups env XDG_RUNTIME_DIR=$PLACE/user USER=somebody {Reachable()} --isolation $ISOLATION";

    [RootFact]
    public void Specification_for_a_user_runs_as_it_is_written()
    {
        Workplace place = Prepare(Isolation.Namespaces, "id -u; cat /proc/self/uid_map; stat -c %U /bin; ls /dev");

        CommandResult result = Sh(place, $"{s_become} run {place.Id}");

        string[] lines = result.Expect().Split('\n');
        Assert.Equal("0", lines[0]);
        Assert.Equal(["0", $"{User}", "1"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("null", lines);
        // Where the specification puts what is the user's, and with the mark that keeps it there.
        Assert.Equal(0x3C0u, FileCalls.Stat(Path.Combine(place.Path, "user/caisson")).Mode & 0xFFF);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(place.Path, "user/caisson")));
    }

    [RootFact]
    public void Whole_life_of_a_container_needs_no_root()
    {
        Workplace place = Prepare(Isolation.Namespaces, "echo started; sleep 1000");

        Sh(place, $"{s_become} create --pid-file $PLACE/user/pid {place.Id} >$PLACE/out 2>&1").Expect();
        Assert.Equal("created", Status(place));
        Sh(place, $"{s_become} start {place.Id}").Expect();
        Assert.Equal("running", Status(place));
        Assert.Equal("0\n", Sh(place, $"{s_become} exec {place.Id} id -u").Expect());
        Assert.Equal(7, Sh(place, $"{s_become} exec {place.Id} sh -c 'exit 7'").ExitCode);
        Assert.Contains($"#{User}", Sh(place, $"{s_become} list").Expect());
        Sh(place, $"{s_become} kill {place.Id} KILL").Expect();
        Deadline.Wait("the container's end", () => Status(place) == "stopped", () => Status(place));
        Sh(place, $"{s_become} delete {place.Id}").Expect();

        Assert.Equal("started\n", File.ReadAllText(Path.Combine(place.Path, "out")));
    }

    [RootTheory]
    [InlineData("memory", """{"memory":{"limit":33554432}}""")]
    [InlineData("pids", """{"pids":{"limit":20}}""")]
    [InlineData("cpu", """{"cpu":{"quota":20000,"period":100000}}""")]
    public void Limit_that_a_user_cannot_set_is_refused(string controller, string resources)
    {
        Workplace place = Prepare(Isolation.Namespaces, "echo not limited");
        place.Bundle.Edit(config => config["linux"]!["resources"] = JsonNode.Parse(resources));

        CommandResult refused = Sh(place, $"{s_become} run {place.Id}");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"cannot set {controller} limit: container could not join or create cgroup", refused.Error);
        Assert.Empty(refused.Output);
    }

    [RootFact]
    public void Without_a_cgroup_what_needs_one_is_refused()
    {
        Workplace place = Prepare(Isolation.Namespaces, "sleep 1000");
        Sh(place, $"{s_become} run --detach {place.Id} >/dev/null 2>&1").Expect();

        foreach (string command in (string[])["ps ID", "pause ID", "update --pids-limit 5 ID", "kill --all ID TERM", "events --stats ID"])
        {
            CommandResult refused = Sh(place, $"{s_become} {command.Replace("ID", place.Id)}");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("has no cgroup of its own", refused.Error);
        }

        Sh(place, $"{s_become} delete --force {place.Id}").Expect();
    }

    [RootFact]
    public void Delegated_cgroups_hold_a_users_container()
    {
        CgroupLayout layout = CgroupLayout.Discover();
        Assert.SkipWhen(layout.Mode == CgroupMode.Unified, "delegates v1 hierarchies");
        Workplace place = Prepare(Isolation.Namespaces, "sleep 1000");
        place.Bundle.Edit(config => config["linux"]!["resources"] = JsonNode.Parse("""{"memory":{"limit":33554432},"pids":{"limit":20}}"""));
        string[] given = [.. ((string[])["memory", "pids", "freezer"]).Select(name => Path.Combine(layout.Find(name)!.OwnDirectory, place.Name))];
        string delegation = string.Concat(given.Select(directory => $"mkdir {directory}; chown {User} {directory} {directory}/tasks {directory}/cgroup.procs; echo $$ >{directory}/cgroup.procs; "));

        try
        {
            Sh(place, $"{delegation} exec {s_become} run --detach {place.Id} >/dev/null 2>&1").Expect();

            Assert.Equal("33554432\n", File.ReadAllText($"{given[0]}/caisson-{place.Id}/memory.limit_in_bytes"));
            Assert.Equal("20\n", File.ReadAllText($"{given[1]}/caisson-{place.Id}/pids.max"));
            Assert.Contains("sleep 1000", Sh(place, $"{s_become} ps {place.Id}").Expect());
            Sh(place, $"{s_become} pause {place.Id}").Expect();
            Assert.Equal("paused", Status(place));
            Sh(place, $"{s_become} resume {place.Id}").Expect();
            Sh(place, $"{s_become} update --pids-limit 30 {place.Id}").Expect();
            Assert.Equal("30\n", File.ReadAllText($"{given[1]}/caisson-{place.Id}/pids.max"));
        }
        finally
        {
            Sh(place, $"{s_become} delete --force {place.Id}").Expect();
            Array.ForEach(given, directory => FileCalls.TryRemove(directory, isDirectory: true, out _));
        }
    }

    [RootFact]
    public void Granted_ids_are_mapped_by_newuidmap()
    {
        Workplace place = Prepare(Isolation.Namespaces, "cat /proc/self/uid_map /proc/self/gid_map; touch /made/file");
        place.Bundle.Writable().Edit(MapMore).Edit(config => config["process"]!["user"] = new JsonObject { ["uid"] = 5, ["gid"] = 6 });
        Sh(place, $"mkdir -m 777 {place.Bundle.InRoot("made")}").Expect();
        Directory.CreateDirectory(Path.Combine(place.Path, "etc"));
        File.WriteAllText(Path.Combine(place.Path, "etc/passwd"), $"root:x:0:0::/root:/bin/sh\nsomebody:x:{User}:{User}::/:/bin/sh\n");
        File.WriteAllText(Path.Combine(place.Path, "etc/subuid"), "somebody:200000:65536\n");
        File.WriteAllText(Path.Combine(place.Path, "etc/subgid"), "somebody:300000:65536\n");

        // In a mount namespace in which the user has an entry and ranges.
        string inside = "for f in passwd subuid subgid; do test -e /etc/$f || exit 9; mount --bind $PLACE/etc/$f /etc/$f || exit 9; done; exec ";
        CommandResult result = Sh(place, $"exec unshare --mount --propagation private sh -c '{inside} {s_become} run {place.Id}'");

        string[] numbers = result.Expect().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["0", $"{User}", "1", "1", "200000", "65536", "0", $"{User}", "1", "1", "300000", "65536"], numbers);
        FileStatus made = FileCalls.Stat(place.Bundle.InRoot("made/file"));
        Assert.Equal((200004u, 300005u), (made.UserId, made.GroupId));
    }

    [RootFact]
    public void Ids_that_are_not_granted_are_refused()
    {
        Workplace place = Prepare(Isolation.Namespaces, "true");
        place.Bundle.Edit(MapMore);

        CommandResult refused = Sh(place, $"{s_become} run {place.Id}");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("/etc/subuid", refused.Error);
    }

    [VmFact]
    public void Machine_of_a_user_is_refused_with_the_reason_and_nothing_weaker_is_taken()
    {
        Workplace place = Prepare(Isolation.Vm, "echo ran");

        CommandResult refused = Sh(place, $"{s_become} run {place.Id}");

        Assert.Equal(1, refused.ExitCode);
        Assert.Empty(refused.Output);
        Assert.Contains("needs root", refused.Error);
    }

    // The specification is the one that the program writes for this user, and all files are his.
    private Workplace Prepare(Isolation isolation, string script)
    {
        Workplace place = Place(isolation);
        Directory.CreateDirectory(Path.Combine(place.Path, "user"));
        File.Delete(place.Bundle.ConfigFile);
        Sh(place, $"chmod 755 {TestRun.Directory} $PLACE; chown -R {User}:{User} $PLACE/user {place.Bundle.Path}; chmod 700 $PLACE/user; {s_become} spec --rootless").Expect();
        JsonObject written = JsonNode.Parse(File.ReadAllText(place.Bundle.ConfigFile))!.AsObject();
        place.Bundle.Edit(config =>
        {
            config.Clear();
            foreach ((string name, JsonNode? value) in written)
            {
                config[name] = value?.DeepClone();
            }

            config["process"]!["terminal"] = false;
        });
        place.Bundle.Script(script);
        return place;
    }

    private static void MapMore(JsonObject config)
    {
        config["linux"]!["uidMappings"]!.AsArray().Add(new JsonObject { ["containerID"] = 1, ["hostID"] = 200000, ["size"] = 65536 });
        config["linux"]!["gidMappings"]!.AsArray().Add(new JsonObject { ["containerID"] = 1, ["hostID"] = 300000, ["size"] = 65536 });
    }

    private static string Status(Workplace place) => (string)JsonNode.Parse(Sh(place, $"{s_become} state {place.Id}").Expect())!["status"]!;

    private static CommandResult Sh(Workplace place, string script)
    {
        using RunningCommand shell = RunningCommand.Start("/bin/sh", ["-c", script], start =>
        {
            start.Environment["PLACE"] = place.Path;
            start.Environment["ISOLATION"] = place.Isolation.Flag();
            start.WorkingDirectory = place.Bundle.Path;
        });
        return shell.CloseInput().Wait();
    }

    // The tree may lie where an ordinary user may not look, such as root's home.
    private static string Reachable()
    {
        string copy = Path.Combine(TestRun.Directory, "caisson");
        File.Copy(Executable.Path, copy, overwrite: true);
        return copy;
    }
}
