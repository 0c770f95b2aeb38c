using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Pods;

/// <summary>Several containers in one virtual machine.</summary>
public sealed class PodTests : ContainerTest
{
    private const string Wait = "echo ready; exec sleep 1000";
    private const string TellFacts = "cat /proc/sys/kernel/random/boot_id; hostname; for ns in ipc uts net pid; do readlink /proc/self/ns/$ns; done";

    [VmFact]
    public void Five_containers_share_a_machine_and_each_ends_by_itself()
    {
        Workplace place = Place(Isolation.Vm);
        var pod = new Pod(place);
        place.Bundle.Script("echo ready; exec sleep 1111").Edit(config => config["hostname"] = "the-pod");
        place.Detach().WaitForOutput("ready");

        RunningCommand two = pod.Start("two", "echo out; read line; echo got $line; exit 3");
        pod.Start("three", Wait).WaitForOutput("ready");
        Bundle bundleOfFour = pod.Bundle("four", Wait, [.. Pod.Shared, "pid"]);
        pod.Start("four", bundleOfFour).WaitForOutput("ready");
        pod.Start("five", pod.Bundle("five", Wait)).WaitForOutput("ready");

        // One kernel, and what is shared is shared.
        string[] first = Facts(pod, null);
        string[] three = Facts(pod, "three");
        string[] four = Facts(pod, "four");
        string[] five = Facts(pod, "five");
        Assert.Equal("the-pod", first[1]);
        Assert.Equal(first[..5], three[..5]);
        Assert.Equal(first, four);
        Assert.NotEqual(first[5], three[5]);
        Assert.Equal(first[0], five[0]);
        Assert.All(Enumerable.Range(2, 4), i => Assert.NotEqual(first[i], five[i]));
        Assert.Equal("sleep 1111", pod.In("four", "tr '\\0' ' ' </proc/1/cmdline").Trim());
        Assert.Equal("0x9", pod.In("five", "cat /sys/class/net/lo/flags"));     // IFF_UP and IFF_LOOPBACK

        // Each has its own streams and its own end.
        two.WaitForOutput("out");
        int pidOfTwo = pod.Pid("two");
        two.Input.Write("word\n"u8);
        two.Input.Flush();
        Assert.Equal(3, Orphans.WaitForExit(pidOfTwo).Code);
        Assert.Equal("out\ngot word\n", two.CloseInput().Wait().Output);
        int pidOfFour = pod.Pid("four");
        place.Run("kill", pod.Id("four"), "KILL").Expect();
        Assert.Equal(137, Orphans.WaitForExit(pidOfFour).Code);
        Assert.Equal(("stopped", "stopped", "running", "running"), (place.Status(pod.Id("two")), place.Status(pod.Id("four")), place.Status(pod.Id("five")), place.Status()));
        place.Run("delete", pod.Id("four")).Expect();
        Assert.Equal("alive", pod.In(null, "echo alive"));

        // The same name again, in the same machine.
        pod.Start("four", bundleOfFour.Script("exit 4"));
        place.WaitForStatus("stopped", pod.Id("four"));

        // The machine outlives the process of the container that it was made for, and takes nobody in any more.
        int pidOfFirst = pod.First;
        place.Run("kill", place.Id, "KILL").Expect();
        Assert.Equal(137, Orphans.WaitForExit(pidOfFirst).Code);
        Assert.Equal("alive", pod.In("three", "echo alive"));
        Assert.Contains("is not running", pod.Refusal("six", place.AnotherBundle("six")));
        Assert.Contains(pod.Id("three"), place.Run("delete", place.Id).Error);

        place.Run("delete", "--force", pod.Id("three")).Expect();
        place.Run("delete", "--force", pod.Id("five")).Expect();
        place.Run("delete", pod.Id("two")).Expect();
        Assert.Equal("", pod.Cause("four"));
        place.Run("delete", place.Id).Expect();
        Assert.Equal("stopped", place.Status(pod.Id("four")));
        place.Run("delete", pod.Id("four")).Expect();
    }

    [VmFact]
    public void Death_of_the_supervisor_costs_no_container_and_that_of_the_machine_all()
    {
        Workplace place = Place(Isolation.Vm);
        var pod = new Pod(place);
        place.Bundle.Script(Wait);
        place.Detach().WaitForOutput("ready");
        RunningCommand two = pod.Start("two", "i=0; while :; do echo $i; i=$((i+1)); usleep 1000; done");
        pod.Start("three", "echo ready; read line; exit 5").WaitForOutput("ready");
        two.WaitForOutput("20\n");

        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);

        int seen = two.Output.Text.Length;
        Deadline.Wait("more output", () => two.Output.Text.Length > seen + 200);
        Assert.Equal("alive", pod.In(null, "echo alive"));
        Assert.Equal("alive", pod.In("three", "echo alive"));
        pod.Start("four", "exit 6");
        place.WaitForStatus("stopped", pod.Id("four"));
        int[] pids = [pod.First, pod.Pid("two"), pod.Pid("three")];

        MachineProcesses.Signal(MachineProcesses.Find(MachineProcesses.Hypervisor), Signal.SIGKILL);

        Assert.All(pids, pid => Assert.Equal(137, Orphans.WaitForExit(pid).Code));
        Assert.All<string?>([null, "two", "three"], name => Assert.Contains("virtual machine", pod.Cause(name)));
        Assert.Equal("", pod.Cause("four"));
        string[] numbers = two.CloseInput().Wait().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(0, numbers.Length).Select(i => i.ToString()), numbers);
        // In any order: whoever is last takes the sandbox's directory along.
        foreach (string id in (string[])[place.Id, pod.Id("two"), pod.Id("three"), pod.Id("four")])
        {
            place.Run("delete", id).Expect();
        }
    }

    [VmFact]
    public void Forced_delete_of_the_first_container_ends_the_others_and_says_why()
    {
        Workplace place = Place(Isolation.Vm);
        var pod = new Pod(place);
        place.Bundle.Script(Wait);
        place.Detach().WaitForOutput("ready");
        pod.Start("two", Wait).WaitForOutput("ready");

        // What is no namespace of this sandbox is refused by its path, and leaves nothing.
        Bundle foreign = pod.Bundle("foreign", Wait, "network").Edit(config => NamespaceOf(config, "ipc")["path"] = "/proc/self/ns/ipc");
        Assert.Contains("linux.namespaces", pod.Refusal("foreign", foreign));
        Assert.Contains("/proc/self/ns/ipc", pod.Refusal("foreign", foreign));
        Bundle user = place.AnotherBundle("user").Edit(config => NamespaceOf(config, "mount")["path"] = $"/proc/{pod.First}/ns/mnt");
        Assert.Contains($"/proc/{pod.First}/ns/mnt", pod.Refusal("user", user));
        Bundle network = place.AnotherBundle("network").Edit(config => NamespaceOf(config, "network")["path"] = "/proc/self/ns/net");
        Assert.Contains("is not the network namespace of the sandbox", pod.Refusal("network", network));
        Assert.Contains("/missing", pod.Refusal("missing", pod.Bundle("missing", Wait, Pod.Shared).Arguments("/missing")));
        Assert.Equal([place.Id, pod.Id("two")], place.Run("list", "--quiet").Expect().Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());

        // A command that is killed half way leaves the pod as it is, and the next one of that name clears up after it.
        string hook = Path.Combine(place.Path, "hook");
        File.WriteAllText(hook, $"#!/bin/sh\necho $$ >{hook}.new\nmv {hook}.new {hook}.ran\nexec sleep 1000\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Bundle slow = pod.Bundle("three", Wait, Pod.Shared).Edit(config =>
            config["hooks"] = new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = hook }) });
        using (RunningCommand killed = pod.Create("three", slow))
        {
            Deadline.Wait("the hook", () => File.Exists($"{hook}.ran"));
            killed.KillAndWait();
        }

        int waiting = int.Parse(File.ReadAllText($"{hook}.ran"));
        MachineProcesses.Signal(waiting, Signal.SIGKILL);
        Orphans.WaitForExit(waiting);

        place.Run("delete", "--force", pod.Id("three")).Expect();
        pod.Start("three", slow.Edit(config => config.Remove("hooks"))).WaitForOutput("ready");
        Assert.Equal("alive", pod.In("two", "echo alive"));
        int[] pids = [pod.First, pod.Pid("two"), pod.Pid("three")];

        place.Run("delete", "--force", place.Id).Expect();

        Assert.All(pids, pid => Assert.Equal(137, Orphans.WaitForExit(pid).Code));
        foreach (string name in (string[])["two", "three"])
        {
            Assert.Equal("stopped", place.Status(pod.Id(name)));
            Assert.Contains($"container {place.Id}, which the sandbox was made for, was deleted", pod.Cause(name));
            place.Run("delete", pod.Id(name)).Expect();
        }
    }

    [RootFact]
    public void Only_a_running_machine_takes_a_further_container()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script(Wait);
        place.Detach().WaitForOutput("ready");
        Bundle bundle = place.AnotherBundle("two");

        CommandResult none = place.Run("create", "--sandbox", "nobody", "--bundle", bundle.Path, $"{place.Id}-two");
        CommandResult namespaces = place.Run("create", "--sandbox", place.Id, "--bundle", bundle.Path, $"{place.Id}-two");

        Assert.Contains("--sandbox nobody: container nobody does not exist", none.Error);
        Assert.Contains("is of isolation namespaces; only a virtual machine takes further containers", namespaces.Error);
        Assert.Equal((1, 1), (none.ExitCode, namespaces.ExitCode));
        place.Run("delete", "--force", place.Id).Expect();
    }

    private static string[] Facts(Pod pod, string? name) => pod.In(name, TellFacts).Split('\n');

    private static JsonNode NamespaceOf(JsonObject config, string type) =>
        config["linux"]!["namespaces"]!.AsArray().Single(ns => (string)ns!["type"]! == type)!;
}
