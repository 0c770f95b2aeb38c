using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>What scripts written for runc rely on, beyond what other tests already show.</summary>
public sealed class CommandLineTests : ContainerTest
{
    [Theory, Isolations]
    public void Container_that_was_only_created_is_deleted_without_force(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Create();

        place.Run("delete", place.Id).Expect();

        Assert.Contains("container does not exist", place.Run("state", place.Id).Error);
    }

    [Theory, Isolations]
    public void Signal_has_a_number_or_a_name_with_or_without_its_prefix(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("trap 'echo usr1' USR1; echo here; while true; do sleep 1 & wait; done");
        using RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("here\n");

        string seen = "here\n";
        foreach (string signal in (string[])["10", "USR1", "SIGUSR1", "sigusr1"])
        {
            place.Run("kill", place.Id, signal).Expect();
            seen += "usr1\n";
            run.WaitForOutput(seen);
        }

        place.Run("kill", "--all", place.Id, "9").Expect();
        Assert.Equal(137, run.CloseInput().Wait().ExitCode);
    }

    [Theory, Isolations]
    public void Process_with_a_variable_without_a_value_is_refused(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult refused = place.Run("exec", "--env", "NOTHING", place.Id, "true");

        Assert.Equal(255, refused.ExitCode);
        Assert.Contains("invalid environment variable", refused.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Looks_and_limits_are_answered_in_runcs_words()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        Assert.Contains("Kernel memory settings are ignored and will be removed", place.Run("update", "--kernel-memory", "1", place.Id).Error);
        Assert.Contains("Intel RDT/CAT: l3 cache schema is not enabled", place.Run("update", "--l3-cache-schema", "L3:0=f", place.Id).Error);
        Assert.Contains("open /nowhere: no such file or directory", place.Run("update", "--resources", "/nowhere", place.Id).Error);
        Assert.Contains("exit status 1: error: unknown", place.Run("ps", place.Id, "--nonsense").Error);
        Assert.Contains("duration interval must be greater than 0", place.Run("events", "--interval", "0", place.Id).Error);
        CommandResult added = place.Run("exec", "--cap", "CAP_NONSENSE", place.Id, "true");
        Assert.Equal(0, added.ExitCode);
        Assert.Single(added.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("ignoring unknown or unavailable capabilities: [CAP_NONSENSE]", added.Error);
        Assert.Equal(1, place.Run("exec", "--additional-gids", "users", place.Id, "true").ExitCode);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void Cgroups_of_a_machine_are_not_for_an_exec_to_choose()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult refused = place.Run("exec", "--cgroup", "elsewhere", place.Id, "true");

        Assert.Equal(255, refused.ExitCode);
        Assert.Contains("are not there in a virtual machine", refused.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }
}
