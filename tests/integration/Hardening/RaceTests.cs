using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Hardening;

/// <summary>Two commands on one id at once: one of them wins, the other says why not, the state stays true and nothing remains.</summary>
public sealed class RaceTests : ContainerTest
{
    private static int Rounds(Isolation isolation) => (isolation, Host.Soaks) switch
    {
        (Isolation.Namespaces, false) => 15,
        (Isolation.Namespaces, true) => 150,
        (_, false) => 2,
        (_, true) => 8,
    };

    [Theory, Isolations]
    public void One_of_two_creations_wins(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(isolation); round++)
        {
            CommandResult[] both = AtOnce(place, ["create", "--bundle", place.Bundle.Path, place.Id], ["create", "--bundle", place.Bundle.Path, place.Id]);

            Assert.Equal([0, 1], both.Select(result => result.ExitCode).Order());
            Assert.Contains("container with given ID already exists", both.Single(result => result.ExitCode == 1).Error);
            Assert.Equal("created", place.Status());
            place.Run("delete", "--force", place.Id).Expect();
        }
    }

    [Theory, Isolations]
    public void One_of_two_starts_wins(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(isolation); round++)
        {
            place.Create().CloseInput();

            CommandResult[] both = AtOnce(place, ["start", place.Id], ["start", place.Id]);

            Assert.Equal([0, 1], both.Select(result => result.ExitCode).Order());
            Assert.Contains("cannot start", both.Single(result => result.ExitCode == 1).Error);
            Assert.Equal("running", place.Status());
            place.Run("delete", "--force", place.Id).Expect();
        }
    }

    [Theory, Isolations]
    public void Two_forced_deletions_both_succeed(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(isolation); round++)
        {
            place.Detach().CloseInput();

            CommandResult[] both = AtOnce(place, ["delete", "--force", place.Id], ["delete", "--force", place.Id]);

            Assert.All(both, result => Assert.Equal(new CommandResult(0, "", ""), result));
            Assert.Equal("", place.Run("list", "--quiet").Expect());
        }
    }

    // Execs that begin before, during and after the deletion: each ends, with its own code or an error, and leaves nothing.
    [Theory, Isolations]
    public void Exec_while_the_container_is_being_deleted_ends(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(isolation); round++)
        {
            place.Detach().CloseInput();
            List<RunningCommand> execs = [];
            for (int i = 0; i < 3; i++)
            {
                execs.Add(place.Start("exec", place.Id, "sleep", "1000").CloseInput());
            }

            RunningCommand delete = place.Start("delete", "--force", place.Id).CloseInput();
            execs.Add(place.Start("exec", place.Id, "true").CloseInput());

            Assert.Equal(new CommandResult(0, "", ""), delete.Wait());
            Assert.All(execs.Take(3), exec => Assert.NotEqual(0, exec.Wait().ExitCode));
            _ = execs[3].Wait();
            Assert.Equal("", place.Run("list", "--quiet").Expect());
            RequireNoProcess("sleep 1000", place);
        }
    }

    // Without a pid namespace of its own nothing but the cgroup holds a container's processes together.
    [RootFact]
    public void Exec_while_a_container_without_pid_namespace_is_deleted_leaves_no_process()
    {
        Workplace place = Place(Isolation.Namespaces);
        string mark = "1000." + Random.Shared.Next(100000, 999999);
        place.Bundle.Arguments("sleep", "1000").Edit(config =>
        {
            JsonArray namespaces = config["linux"]!["namespaces"]!.AsArray();
            namespaces.Remove(namespaces.First(one => (string)one!["type"]! == "pid"));
        });
        for (int round = 0; round < Rounds(Isolation.Namespaces); round++)
        {
            place.Detach().CloseInput();
            List<RunningCommand> execs = [.. Enumerable.Range(0, 4).Select(_ => place.Start("exec", "--detach", place.Id, "sleep", mark).CloseInput())];
            CommandResult deleted = place.Run("delete", "--force", place.Id);
            execs.ForEach(exec => exec.WaitForExit());

            Assert.Equal(new CommandResult(0, "", ""), deleted);
            RequireNoProcess("sleep " + mark, place);
        }
    }

    [RootFact]
    public void Kill_during_create_is_refused_and_the_container_is_whole()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        int refused = 0;
        for (int round = 0; round < Rounds(Isolation.Namespaces); round++)
        {
            RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
            CommandResult kill = place.Run("kill", place.Id, "KILL");

            Assert.Equal(0, create.WaitForExit());
            create.CloseInput();
            if (kill.ExitCode != 0)
            {
                refused++;
                Assert.True(
                    kill.Error.Contains("does not exist", StringComparison.Ordinal) || kill.Error.Contains("still being created", StringComparison.Ordinal), kill.ToString());
                Assert.Equal("created", place.Status());
                place.Run("kill", place.Id, "KILL").Expect();
            }

            place.WaitForStatus("stopped");
            place.Run("delete", place.Id).Expect();
        }

        Assert.True(refused > 0, "no kill came before its create had ended");
    }

    // Deleted in its middle: either it is made after all, or it says that it was not, and then nothing of it is left.
    [Theory, Isolations]
    public void Delete_during_create_leaves_a_whole_container_or_nothing(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(isolation); round++)
        {
            RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
            CommandResult delete = place.Run("delete", "--force", place.Id);
            int code = create.WaitForExit();
            create.CloseInput();

            Assert.Equal(0, delete.ExitCode);
            string left = place.Run("list", "--quiet").Expect();
            Assert.True(left.Length == 0 || code == 0, $"create ended with {code}, and there is a container");
            if (left.Length > 0)
            {
                Assert.Equal("created", place.Status());
                place.Run("delete", "--force", place.Id).Expect();
            }
        }
    }

    [RootFact]
    public void Pause_resume_kill_and_state_at_once_leave_a_true_state()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        for (int round = 0; round < Rounds(Isolation.Namespaces); round++)
        {
            place.Detach().CloseInput();
            _ = AtOnce(place, ["pause", place.Id], ["resume", place.Id], ["state", place.Id], ["kill", place.Id, "KILL"], ["update", "--pids-limit", "50", place.Id]);

            // Killed while it was being frozen it may be frozen with the signal pending; a thawed one dies.
            if (place.Status() == "paused")
            {
                place.Run("resume", place.Id).Expect();
            }

            place.WaitForStatus("stopped");
            place.Run("delete", place.Id).Expect();
        }
    }

    private static CommandResult[] AtOnce(Workplace place, params string[][] commands)
    {
        RunningCommand[] running = [.. commands.Select(command => place.Start(command).CloseInput())];
        return [.. running.Select((command, index) => commands[index][0] == "create" ? Ended(command) : command.Wait())];
    }

    // A created container has the streams of its create: they stay open.
    private static CommandResult Ended(RunningCommand create)
    {
        int code = create.WaitForExit();
        if (code != 0)
        {
            return create.Wait();
        }

        return new CommandResult(code, create.Output.Text, create.Error.Text);
    }

    private static void RequireNoProcess(string commandLine, Workplace place)
    {
        string Left() => string.Join('\n', ProcessTable.Descendants(ProcessTable.Read()).Where(process => !process.IsZombie && ProcessTable.CommandLine(process.Pid).EndsWith(commandLine, StringComparison.Ordinal)
            && !ProcessTable.CommandLine(process.Pid).Contains(place.Root, StringComparison.Ordinal)).Select(process => ProcessTable.Describe(process.Pid)));
        Deadline.Wait($"the end of all \"{commandLine}\"", () => Left().Length == 0, Left);
    }
}
