using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Network;

/// <summary>A pod's interfaces inside a virtual machine, by the model tcfilter.</summary>
public sealed class PodNetworkTests : ContainerTest
{
    private static readonly string[] s_capabilitySets = ["bounding", "effective", "permitted"];

    private readonly List<TestNetwork> _networks = [];

    protected override void Finish(bool failed) => _networks.ForEach(static network => network.Dispose());

    [VmFact]
    public void Interfaces_addresses_routes_and_neighbours_are_the_pods_and_carry_traffic_both_ways()
    {
        TestNetwork network = Net();
        network.AddInterface("eth0", mtu: 1400);
        network.AddInterface("net1", network: 1);
        network.InPod(route =>
        {
            int eth0 = route.FindLink("eth0").Index;
            route.AddRoute(new NetworkRoute(null, 0, IPAddress.Parse(TestNetwork.PeerAddress), eth0));
            route.AddRoute(new NetworkRoute(null, 0, IPAddress.Parse(TestNetwork.PeerAddress6), eth0, IsV6: true));
            route.AddRoute(new NetworkRoute(IPAddress.Parse("192.0.2.0"), 24, IPAddress.Parse("10.77.1.1"), route.FindLink("net1").Index, Metric: 77));
            route.SetNeighbor(new NetworkNeighbor(eth0, IPAddress.Parse("10.77.0.99"), [2, 0, 0, 0, 0, 99]));
        });
        Workplace place = Place(Isolation.Vm);
        Join(place, network).Script(
            "ip addr; ip route; ip -6 route; ip neigh; ping -c 1 -W 20 10.77.0.1 && ping -c 1 -W 20 fd77::1 && ping -c 1 -W 20 10.77.1.1 && echo pinged; "
            + "echo from the machine | nc 10.77.0.1 7000; nc -ll -p 7001 -e cat");
        using Socket listener = network.Listen(TestNetwork.PeerAddress, 7000);
        RunningCommand run = place.Detach();
        run.WaitForOutput("pinged");

        string seen = run.Output.Text;
        Assert.Matches(@"eth0: .* mtu 1400 ", seen);
        Assert.Matches(@"net1: .* mtu 1500 ", seen);
        foreach (string line in (string[])[
            "inet 10.77.0.2/24", "inet6 fd77::2/64", "inet 10.77.1.2/24", "inet6 fd77:1::2/64", "default via 10.77.0.1 dev eth0",
            "192.0.2.0/24 via 10.77.1.1 dev net1  metric 77", "default via fd77::1 dev eth0", "10.77.0.99 dev eth0 lladdr 02:00:00:00:00:63"])
        {
            Assert.Contains(line, seen, StringComparison.Ordinal);
        }

        network.InPod(route => Assert.Contains(PodMac(route, "eth0"), seen, StringComparison.Ordinal));
        Assert.Equal("from the machine", Received(listener));
        Assert.Equal("over IPv4", network.Ask(TestNetwork.PodAddress, 7001, "over IPv4"));
        Assert.Equal("over IPv6", network.Ask(TestNetwork.PodAddress6, 7001, "over IPv6"));
        Assert.Equal("second interface", network.Ask("10.77.1.2", 7001, "second interface"));
        network.InPeer(place, "busybox", "ping", "-c", "1", "-W", "20", TestNetwork.PodAddress).Expect();
        network.InPeer(place, "busybox", "ping", "-c", "1", "-W", "20", TestNetwork.PodAddress6).Expect();

        RefusesASecondMachine(place, network);
        place.Run("pause", place.Id).Expect();
        place.Run("resume", place.Id).Expect();
        Assert.Equal("after a pause", network.Ask(TestNetwork.PodAddress, 7001, "after a pause"));
        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);
        Assert.Equal("under another supervisor", network.Ask(TestNetwork.PodAddress, 7001, "under another supervisor"));

        place.Run("delete", "--force", place.Id).Expect();
        network.RequireClear();
    }

    [VmFact]
    public void Interfaces_addresses_and_routes_that_come_and_go_later_are_followed()
    {
        TestNetwork network = Net();
        network.AddInterface("eth0");
        Workplace place = Place(Isolation.Vm);
        Join(place, network).Script("echo ready; nc -ll -p 7001 -e cat");
        place.Detach().WaitForOutput("ready");

        network.AddInterface("net1", network: 1);
        Assert.Equal("a new interface", network.Ask("10.77.1.2", 7001, "a new interface"));
        network.InPod(route =>
        {
            int eth0 = route.FindLink("eth0").Index;
            route.AddAddress(new NetworkAddress(eth0, IPAddress.Parse("10.77.0.22"), 24));
            route.AddRoute(new NetworkRoute(IPAddress.Parse("198.51.100.0"), 24, IPAddress.Parse(TestNetwork.PeerAddress), eth0));
            route.SetMtu(eth0, 1300);
        });
        Assert.Equal("a new address", network.Ask("10.77.0.22", 7001, "a new address"));
        WaitInside(place, "ip route", text => text.Contains("198.51.100.0/24 via 10.77.0.1 dev eth0", StringComparison.Ordinal));
        WaitInside(place, "ip link", text => text.Contains("eth0: ", StringComparison.Ordinal) && text.Contains("mtu 1300", StringComparison.Ordinal));

        network.InPod(route => route.DeleteLink(route.FindLink("net1").Index));
        WaitInside(place, "ip link", text => !text.Contains("net1", StringComparison.Ordinal));
        Deadline.Wait("the end of the interface's TAP", () => network.Taps() == 1);

        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        network.AddInterface("net2", network: 2);
        Assert.Equal("for another supervisor", network.Ask("10.77.2.2", 7001, "for another supervisor"));

        JsonArray listed = JsonNode.Parse(place.Run("network", "--format", "json", "list", place.Id).Expect())!.AsArray();
        Assert.Equal(["lo", "eth0", "net2"], listed.Select(static one => (string)one!["name"]!));
        Assert.Contains("10.77.0.22/24", listed[1]!["addresses"]!.AsArray().Select(static one => (string)one!));
        Assert.Matches(@"198\.51\.100\.0/24 +10\.77\.0\.1 +eth0 ", place.Run("network", "routes", place.Id).Expect());

        // Given and taken as an administrator of the pod's host would: from the namespace in which the command runs.
        string peer = network.MakePairInPeer("given", "giver");
        CommandResult given = network.InPeer(place, [Executable.Path, .. place.Globals, "network", "add", place.Id, "given"]);
        Assert.Equal((0, ""), (given.ExitCode, given.Error));
        Assert.Contains(peer, place.Run("exec", place.Id, "ip", "link", "show", "given").Expect(), StringComparison.Ordinal);
        network.InPeer(place, [Executable.Path, .. place.Globals, "network", "remove", place.Id, "given"]).Expect();
        Assert.DoesNotContain("given", place.Run("network", "list", place.Id).Expect(), StringComparison.Ordinal);
        network.InPeer(route => route.FindLink("given"));
        RefusesWhatCarriesNoEthernet(place, network);
        Assert.Contains("nothing-here", place.Run("network", "add", place.Id, "nothing-here").Error, StringComparison.Ordinal);

        place.Run("delete", "--force", place.Id).Expect();
        network.RequireClear();
    }

    [RootFact]
    public void Interface_is_given_to_a_container_in_namespaces_and_taken_back()
    {
        TestNetwork network = Net();
        network.MakePairInPeer("given", "giver");
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        network.InPeer(place, [Executable.Path, .. place.Globals, "network", "add", place.Id, "given"]).Expect();
        Assert.Matches(@"given +[0-9a-f:]{17} +1500 ", place.Run("network", "list", place.Id).Expect());
        network.InPeer(place, [Executable.Path, .. place.Globals, "network", "remove", place.Id, "given"]).Expect();
        network.InPeer(route => route.FindLink("given"));
        foreach (string[] wrong in (string[][])[["network", "list"], ["network", "add", place.Id], ["network", "move", place.Id, "given"]])
        {
            Assert.Contains("expected list, routes, add or remove", place.Run(wrong).Error, StringComparison.Ordinal);
        }

        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void What_dead_processes_left_in_the_namespace_is_taken_away_by_the_next_command()
    {
        TestNetwork network = Net();
        network.AddInterface("eth0");
        Workplace place = Place(Isolation.Vm);
        Join(place, network).Arguments("sleep", "1000").Edit(config =>
        {
            Annotate(config, "io.caisson.network.outbound-rate", "100000000");
            Annotate(config, "io.caisson.network.inbound-rate", "100000000");
        });
        place.Create();
        network.InPod(route =>
        {
            Assert.True(route.HasIngressFilters(route.FindLink("eth0").Index));

            // Only what is there can be deleted: the bound towards the guest is on the TAP.
            route.DeleteRateLimit(route.FindLink("tap0_caisson").Index);
        });

        // Stopped first, so that it does not go on as the next supervisor and clears away itself.
        int guardian = MachineProcesses.Find(MachineProcesses.Guardian);
        MachineProcesses.Signal(guardian, Signal.SIGSTOP);
        MachineProcesses.Signal(MachineProcesses.Find(MachineProcesses.Supervisor), Signal.SIGKILL);
        MachineProcesses.Signal(guardian, Signal.SIGKILL);
        Deadline.Wait("the end of both", () => MachineProcesses.TryFind(MachineProcesses.Guardian) is null && MachineProcesses.TryFind(MachineProcesses.Supervisor) is null);

        place.Run("delete", "--force", place.Id).Expect();
        network.RequireClear();
        network.InPod(route => Assert.Throws<SyscallException>(() => route.DeleteRateLimit(route.FindLink("eth0").Index)));
    }

    [VmFact]
    public void Interfaces_that_a_hook_brings_are_carried_into_the_machine()
    {
        TestNetwork network = Net();
        network.AddInterface("eth0");
        Workplace place = Place(Isolation.Vm);

        // As Docker does it: the container's namespace is a new one, and a hook moves the interface there and gives it its address.
        string hook = "pid=$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p'); "
            + $"nsenter --net={network.PodPath} ip link set eth0 netns $pid && "
            + "nsenter --net=/proc/$pid/ns/net sh -c 'ip addr add 10.77.0.2/24 dev eth0 && ip link set eth0 up'";
        place.Bundle.Script("echo ready; busybox nc -ll -p 7001 -e cat").Edit(config => config["hooks"] = new JsonObject
        {
            ["prestart"] = new JsonArray(new JsonObject
            {
                ["path"] = "/bin/sh",
                ["args"] = new JsonArray("sh", "-c", hook),
                ["env"] = new JsonArray("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
            }),
        });
        place.Bundle.Edit(config => config["linux"]!["resources"]!["cpu"] = new JsonObject { ["quota"] = 200_000, ["period"] = 100_000 });
        place.Detach().WaitForOutput("ready");

        Assert.Equal("by a hook", network.Ask(TestNetwork.PodAddress, 7001, "by a hook"));

        // Two processors: two queues.
        Assert.Equal("rx-0\nrx-1\ntx-0\ntx-1\n", place.Run("exec", place.Id, "ls", "/sys/class/net/eth0/queues").Expect());

        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void Networks_that_cannot_be_had_are_refused_by_name()
    {
        Workplace place = Place(Isolation.Vm);
        TestNetwork network = Net();
        Bundle bundle = Join(place, network).Arguments("true");

        FileFd? tun = null;
        network.InPod(route =>
        {
            tun = NetworkDevices.OpenTap("tun9", TapOptions.Tun | TapOptions.NoPacketInformation, out _);
            int link = route.FindLink("tun9").Index;
            route.SetUp(link);
            route.AddAddress(new NetworkAddress(link, IPAddress.Parse("10.78.0.2"), 24));
        });
        using (tun)
        {
            Refused(place, "tun9", "no Ethernet");
        }

        bundle.Edit(config => TestNetwork.Of(config)["path"] = "/run/netns/not-there");
        Refused(place, "/run/netns/not-there", "no such file");
        bundle.Edit(config => TestNetwork.Of(config)["path"] = $"/proc/{Environment.ProcessId}/ns/net");
        Refused(place, "is the host's network namespace", "io.caisson.network=none");
        foreach ((string model, string why) in ((string, string)[])[("macvtap", "not there yet"), ("host", "stack of its own"), ("bridge", "no such network model")])
        {
            bundle.Edit(config => Annotate(config, "io.caisson.network", model));
            Refused(place, model, why);
        }
    }

    private static void Refused(Workplace place, string what, string why)
    {
        CommandResult result = place.RunBundle();
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(what, result.Error, StringComparison.Ordinal);
        Assert.Contains(why, result.Error, StringComparison.OrdinalIgnoreCase);
    }

    private static void RefusesASecondMachine(Workplace place, TestNetwork network)
    {
        CommandResult second = place.Run("run", "--bundle", place.Bundle.Path, place.Id + "-second");
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("eth0 has an ingress qdisc already", second.Error, StringComparison.Ordinal);
        Assert.Equal("undisturbed", network.Ask(TestNetwork.PodAddress, 7001, "undisturbed"));
    }

    private static void RefusesWhatCarriesNoEthernet(Workplace place, TestNetwork network)
    {
        FileFd? tun = null;
        network.InPeer(route =>
        {
            tun = NetworkDevices.OpenTap("tun9", TapOptions.Tun | TapOptions.NoPacketInformation, out _);
            int link = route.FindLink("tun9").Index;
            route.SetUp(link);
            route.AddAddress(new NetworkAddress(link, IPAddress.Parse("10.78.0.2"), 24));
        });
        using (tun)
        {
            string[] add = [Executable.Path, .. place.Globals, "network", "add", place.Id, "tun9"];
            Assert.Contains("tun9 is not in the virtual machine: tun9 (tun) carries no Ethernet", network.InPeer(place, add).Error, StringComparison.Ordinal);
            network.InPeer(place, [Executable.Path, .. place.Globals, "network", "remove", place.Id, "tun9"]).Expect();
        }
    }

    private static void WaitInside(Workplace place, string command, Predicate<string> isSo)
    {
        string seen = "";
        Deadline.Wait($"in the machine: {command}", () => isSo(seen = place.Run(["exec", place.Id, .. command.Split(' ')]).Output), () => seen);
    }

    private static Bundle Join(Workplace place, TestNetwork network)
    {
        foreach (string applet in (string[])["ip", "nc"])
        {
            File.CreateSymbolicLink(place.Bundle.InRoot($"bin/{applet}"), "busybox");
        }

        return network.JoinPod(place.Bundle).Edit(config =>
        {
            foreach (string set in s_capabilitySets)
            {
                config["process"]!["capabilities"]![set]!.AsArray().Add("CAP_NET_RAW");
            }
        });
    }

    private static void Annotate(JsonObject config, string name, string value)
    {
        config["annotations"] ??= new JsonObject();
        config["annotations"]![name] = value;
    }

    private static string PodMac(RouteSocket route, string name) =>
        string.Join(':', route.FindLink(name).HardwareAddress.Select(static one => one.ToString("x2")));

    private static string Received(Socket listener)
    {
        listener.ReceiveTimeout = (int)Deadline.Patience.TotalMilliseconds;
        using Socket accepted = listener.Accept();
        using var reader = new StreamReader(new NetworkStream(accepted));
        return reader.ReadLine() ?? "";
    }

    private TestNetwork Net()
    {
        var network = new TestNetwork();
        _networks.Add(network);
        return network;
    }
}
