using System.Net;
using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Fields;

/// <summary>Interfaces of the host that a configuration moves into a container (linux.netDevices).</summary>
public sealed class NetworkDeviceTests : ContainerTest
{
    [RootFact]
    public void Device_moves_with_its_addresses_and_is_up_under_its_new_name()
    {
        Workplace place = Place(Isolation.Namespaces);
        using RouteSocket host = RouteSocket.Open();
        string name = $"cf{Environment.ProcessId % 100_000}a";
        host.CreateVeth(name, name + "b");
        try
        {
            int index = host.FindLink(name).Index;
            host.AddAddress(new NetworkAddress(index, IPAddress.Parse("192.0.2.9"), 24));
            host.SetMtu(index, 1400);
            place.Bundle.Script("busybox ip -o address show dev moved | grep -o 'inet [^ ]*'; cat /sys/class/net/moved/mtu /sys/class/net/moved/flags").Edit(config =>
                config["linux"]!["netDevices"] = new JsonObject { [name] = new JsonObject { ["name"] = "moved" } });

            string output = place.RunBundle().Expect();

            Assert.Equal("inet 192.0.2.9/24\n1400\n0x1003\n", output);    // IFF_UP, IFF_BROADCAST, IFF_MULTICAST
        }
        finally
        {
            Remove(host, name + "b");
        }
    }

    [RootFact]
    public void Name_that_is_taken_inside_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        using RouteSocket host = RouteSocket.Open();
        string name = $"cf{Environment.ProcessId % 100_000}c";
        host.CreateVeth(name, name + "d");
        try
        {
            place.Bundle.Arguments("true").Edit(config => config["linux"]!["netDevices"] = new JsonObject { [name] = new JsonObject { ["name"] = "lo" } });

            CommandResult result = place.RunBundle();

            Assert.Equal(1, result.ExitCode);
            Assert.Contains($"linux.netDevices[\\\"{name}\\\"]", result.Error);
            Assert.Contains("EEXIST", result.Error);
            Assert.True(host.TryFindLink(name, out _));
        }
        finally
        {
            Remove(host, name);
        }
    }

    // A device ends with the container's namespace, which the kernel takes down in its own time: perhaps now.
    private static void Remove(RouteSocket host, string name)
    {
        try
        {
            if (host.TryFindLink(name, out NetworkLink? left))
            {
                host.DeleteLink(left.Index);
            }
        }
        catch (SyscallException gone) when (gone.Errno == Errno.ENODEV)
        {
            // Meanwhile it has.
        }
    }
}
