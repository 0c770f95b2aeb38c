using System.Diagnostics;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Faults;

/// <summary>A command that is killed in its middle leaves something; the next command on that id takes it away.</summary>
public sealed class KilledCreateTests : ContainerTest
{
    private const int Moments = 10;

    [Theory, Isolations]
    public void Id_is_free_again_after_create_was_killed_at_any_moment(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true");
        TimeSpan whole = TimeCreate(place);
        int moments = isolation == Isolation.Vm && !Host.Soaks ? 4 : Moments;

        for (int i = 1; i <= moments; i++)
        {
            KillCreateAfter(place, whole * i / (moments + 1));
            // The next command on the id may be another create, or a deletion: turn about.
            if (i % 2 == 0)
            {
                place.Run("delete", "--force", place.Id).Expect();
            }
            else
            {
                DeleteIfComplete(place);
                place.Create();
                place.Run("delete", "--force", place.Id).Expect();
            }
        }
    }

    // Ctrl-C and what engines and shells send to end a command, while QEMU starts, boots, and makes the container.
    [VmFact]
    public void Interrupted_create_undoes_what_it_began()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("true");
        TimeSpan whole = TimeCreate(place);
        foreach ((Signal signal, double moment) in new[]
        {
            (Signal.SIGINT, 0.15), (Signal.SIGTERM, 0.3), (Signal.SIGINT, 0.6), (Signal.SIGTERM, 0.85),
        })
        {
            RunningCommand create = StartFor(place, whole * moment);
            create.Send(signal);
            int code = create.WaitForExit();
            string said = create.CloseInput().Wait().Error;

            Assert.Equal(128 + (int)signal, code);
            Assert.Contains($"interrupted by {signal}", said);
            Assert.Equal([], Directory.GetFileSystemEntries(place.Root));
            Assert.Equal("", place.Run("list", "--quiet").Expect());
        }
    }

    [RootFact]
    public void Interrupted_create_undoes_what_it_began_while_a_hook_hangs()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = System.Text.Json.Nodes.JsonNode.Parse(
            $$"""{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","touch {{place.Path}}/hooking; exec sleep 1000"]}]}"""));
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        Deadline.Wait("the hook", () => File.Exists(Path.Combine(place.Path, "hooking")));

        create.Send(Signal.SIGINT);

        Assert.Equal(128 + (int)Signal.SIGINT, create.WaitForExit());
        Assert.Contains("interrupted by SIGINT", create.CloseInput().Wait().Error);
        Assert.Equal([], Directory.GetFileSystemEntries(place.Root));
    }

    [RootFact]
    public void Container_that_is_being_created_is_not_disturbed()
    {
        Workplace place = Place(Isolation.Namespaces);
        string gate = Path.Combine(place.Path, "gate");
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = System.Text.Json.Nodes.JsonNode.Parse(
            $$"""{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","touch {{place.Path}}/hooking; while ! test -e {{gate}}; do sleep 0.05; done"],"env":["PATH=/bin:/usr/bin"]}]}"""));
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        Deadline.Wait("the hook", () => File.Exists(Path.Combine(place.Path, "hooking")));

        CommandResult state = place.Run("state", place.Id);
        CommandResult start = place.Run("start", place.Id);
        RunningCommand second = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        File.WriteAllText(gate, "");

        Assert.Equal(0, create.WaitForExit());
        Assert.Equal(1, state.ExitCode);
        Assert.Contains("still being created", state.Error);
        Assert.Equal(1, start.ExitCode);
        Assert.Contains("cannot start a container in the creating state", start.Error);
        CommandResult taken = second.CloseInput().Wait();
        Assert.Equal(1, taken.ExitCode);
        Assert.Contains("container with given ID already exists", taken.Error);
        Assert.Equal("created", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [Theory, Isolations]
    public void Full_disk_below_the_root_is_reported_and_leaves_nothing(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true");
        Directory.CreateDirectory(place.Root);
        MountCalls.Mount("tmpfs", place.Root, "tmpfs", MountFlags.None, "size=64k,mode=700");
        try
        {
            FillUp(Path.Combine(place.Root, "ballast"));

            CommandResult result = place.RunBundle();

            Assert.Equal(1, result.ExitCode);
            Assert.Contains("no space left on device", result.Error);
            Assert.Contains(place.Root, result.Error);
            File.Delete(Path.Combine(place.Root, "ballast"));
            Assert.Equal("", place.Run("list", "--quiet").Expect());
            Assert.Equal(new CommandResult(0, "", ""), place.RunBundle());
            Assert.Empty(Directory.EnumerateFileSystemEntries(place.Root));
        }
        finally
        {
            MountCalls.Unmount(place.Root);
        }
    }

    [Theory, Isolations]
    public void Run_that_is_killed_leaves_a_container_that_can_be_deleted(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo ready; exec sleep 1000");
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("ready");

        run.Send(Signal.SIGKILL);
        run.WaitForExit();

        place.Run("delete", "--force", place.Id).Expect();
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    private static TimeSpan TimeCreate(Workplace place)
    {
        long start = Stopwatch.GetTimestamp();
        place.Create();
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        place.Run("delete", "--force", place.Id).Expect();
        return whole;
    }

    private static void KillCreateAfter(Workplace place, TimeSpan delay)
    {
        RunningCommand create = StartFor(place, delay);
        create.KillAndWait();
        create.CloseInput();
    }

    private static RunningCommand StartFor(Workplace place, TimeSpan delay)
    {
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        // The one place where time matters: the moment is the subject.
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < delay && !create.HasExited)
        {
            Thread.SpinWait(100);
        }

        return create;
    }

    // Killed too late, create has made its container.
    private static void DeleteIfComplete(Workplace place)
    {
        if (place.Run("state", place.Id).ExitCode == 0)
        {
            place.Run("delete", "--force", place.Id).Expect();
        }
    }

    private static void FillUp(string file)
    {
        using FileStream ballast = File.Create(file);
        try
        {
            while (true)
            {
                ballast.Write(new byte[4096]);
                ballast.Flush();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
