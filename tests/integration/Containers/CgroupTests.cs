using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>A cgroup that was there before the container, and places below the container's own.</summary>
public sealed class CgroupTests : ContainerTest
{
    [Theory, Isolations]
    public void Frozen_cgroup_is_refused_instead_of_waited_in(Isolation isolation)
    {
        Workplace place = Place(isolation);
        Cgroup cgroup = Given(place);
        cgroup.Freeze();
        try
        {
            CommandResult run = place.RunBundle();
            CommandResult create = place.Run("create", "--bundle", place.Bundle.Path, place.Id);

            Assert.Equal((1, 1), (run.ExitCode, create.ExitCode));
            Assert.Contains("container's cgroup unexpectedly frozen", run.Error);
            Assert.Contains("container's cgroup unexpectedly frozen", create.Error);
            Assert.True(cgroup.Exists);
        }
        finally
        {
            cgroup.Thaw();
            cgroup.Remove();
        }
    }

    [Theory, Isolations]
    public void Cgroup_in_one_hierarchy_only_is_completed(Isolation isolation)
    {
        Workplace place = Place(isolation);
        Cgroup cgroup = Named(place);
        string one = cgroup.Paths.Values.Last();
        Directory.CreateDirectory(one);
        try
        {
            place.Bundle.Arguments("echo", "here").Edit(config => config["linux"]!["cgroupsPath"] = "/" + place.Id);

            Assert.Equal("here\n", place.RunBundle().Expect());
        }
        finally
        {
            cgroup.RemoveWhereEmpty();
        }
    }

    [Theory, Isolations]
    public void Others_in_the_same_cgroup_are_told_of_and_left_alone(Isolation isolation)
    {
        Workplace place = Place(isolation);
        Cgroup cgroup = Named(place);
        place.Bundle.Arguments("sleep", "1000").Edit(config => config["linux"]!["cgroupsPath"] = "/" + place.Id);
        place.Detach();

        RunningCommand second = place.Start("run", "--detach", "--bundle", place.Bundle.Path, place.Id + "-2");

        Assert.Equal(0, second.WaitForExit());
        Assert.Contains("container's cgroup is not empty", second.Error.Text);
        place.Run("delete", "--force", place.Id + "-2").Expect();
        Assert.Equal("running", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
        Assert.False(cgroup.Exists);
    }

    [RootFact]
    public void Killed_creation_in_a_foreign_cgroup_does_not_take_others_along()
    {
        Workplace place = Place(Isolation.Namespaces);
        Cgroup cgroup = Given(place);
        using ClonedProcess bystander = new PreparedClone().Execve("/bin/sleep", ["sleep", "1000"], []).Start();
        cgroup.Join(bystander.Pid);
        place.Bundle.Edit(config => config["hooks"] = new JsonObject
        {
            ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", $"echo >{place.Path}/hooked; while kill -0 $PPID 2>/dev/null; do sleep 0.05; done") }),
        });
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        Deadline.Wait("the hook", () => File.Exists(Path.Combine(place.Path, "hooked")), () => create.Error.Text);

        create.Send(Signal.SIGKILL);
        create.WaitForExit();
        place.Run("delete", "--force", place.Id).Expect();

        Assert.False(bystander.PidFd.TryWait(out _));
        _ = bystander.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
        _ = bystander.PidFd.Wait();
        cgroup.KillAll(Signal.SIGKILL);
        cgroup.Remove();
    }

    [RootFact]
    public void Exec_in_a_place_that_is_not_there_says_so()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult missing = place.Run("exec", "--cgroup", "nonesuch", place.Id, "true");
        CommandResult above = place.Run("exec", "--cgroup", "..", place.Id, "true");

        Assert.Equal((255, 255), (missing.ExitCode, above.ExitCode));
        Assert.Contains("/nonesuch/cgroup.procs: no such file or directory", missing.Error);
        Assert.Contains(".. is not a sub cgroup path", above.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Unified_limits_on_a_host_of_version_one_are_an_invalid_configuration()
    {
        Assert.SkipUnless(CgroupLayout.Discover().Mode != CgroupMode.Unified, "the host limits by cgroup v2");
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Edit(config => config["linux"]!["resources"]!["unified"] = new JsonObject { ["memory.min"] = "131072" });

        CommandResult run = place.RunBundle();

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("invalid configuration: resources.unified names memory.min", run.Error);
    }

    private static Cgroup Given(Workplace place)
    {
        place.Bundle.Edit(config => config["linux"]!["cgroupsPath"] = "/" + place.Id);
        return Cgroup.Create(CgroupLayout.Discover(), "/" + place.Id);
    }

    private static Cgroup Named(Workplace place) => Cgroup.Open(CgroupLayout.Discover(), "/" + place.Id);
}
