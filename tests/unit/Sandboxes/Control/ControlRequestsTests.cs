using Caisson.Linux;
using Caisson.Protocol.Control;
using Caisson.Sandboxes;
using Caisson.Tests;
using Caisson.Ttrpc;
using Keeper = Caisson.Protocol.Control.Keeper;
using WireMemory = Caisson.Protocol.Control.SharedMemory;

namespace Caisson.UnitTests.Sandboxes.Control;

/// <summary>A request on control.sock that lacks something, or says too much, is an answer with a code and never a crash of the supervisor.</summary>
public sealed class ControlRequestsTests
{
    [Fact]
    public void Keeper_without_a_process_is_refused()
    {
        Refused(() => ControlRequests.KeeperOf(null));
        Refused(() => ControlRequests.KeeperOf(new Keeper { Socket = "k" }));
        Refused(() => ControlRequests.KeeperOf(new Keeper { Process = new HostProcess { Pid = -1 } }));
    }

    [Fact]
    public void Number_that_does_not_fit_is_refused()
    {
        Refused(() => ControlRequests.PlanOf(new BootRequest { Vcpus = uint.MaxValue }));
        Refused(() => ControlRequests.PlanOf(new BootRequest { MemoryMib = uint.MaxValue }));
        Refused(() => ControlRequests.SignalOf(new SignalRequest { Signal = uint.MaxValue }));
        Assert.Equal(15, ControlRequests.SignalOf(new SignalRequest { Signal = 15 }));
    }

    [Fact]
    public void Network_without_one_namespace_is_refused()
    {
        Refused(() => ControlRequests.NetworkOf(new Network { Model = "tcfilter" }, []));
        Refused(() => ControlRequests.NetworkOf(new Network { Model = "tcfilter" }, [FileCalls.Open("/proc/self/ns/uts", OpenFlags.O_RDONLY)]));
        using NamespaceFd network = ControlRequests.NetworkOf(new Network { Model = "tcfilter" }, [FileCalls.Open("/proc/self/ns/net", OpenFlags.O_RDONLY)]).Namespace;
        Assert.Equal(NamespaceKinds.Network, network.Kind);
    }

    [Theory]
    [InlineData("c", 5, 0)]
    [InlineData("c", 0, 99)]
    [InlineData("c", 0, -2)]
    [InlineData("../c", 0, -1)]
    [InlineData("..", 0, 0)]
    public void Share_outside_of_the_shares_directory_is_refused(string id, uint descriptor, int mount) =>
        Refused(() => ControlRequests.ShareNameOf(id, RichSpec.Parsed, new PassedMount { DescriptorIndex = descriptor, MountIndex = mount }, descriptors: 2));

    [Fact]
    public void Only_namespaces_that_can_be_shared_are_and_each_once()
    {
        CreateContainerRequest request = new() { Namespaces = { new SharedNamespace { Type = "ipc", ContainerId = "c" } }, Memory = new WireMemory { Name = "0x3fx2", SizeBytes = 1 } };
        GuestSharing sharing = ControlRequests.SharingOf(request);
        Assert.Equal(("container:c", null), (sharing.PathOf("ipc"), sharing.PathOf("uts")));
        Assert.Equal("/run/kata-containers/sandbox/shm-0x3fx2", sharing.Memory!.MountPoint);

        request.Namespaces.Add(new SharedNamespace { Type = "ipc", ContainerId = "d" });
        Refused(() => ControlRequests.SharingOf(request));
        Refused(() => ControlRequests.SharingOf(new CreateContainerRequest { Namespaces = { new SharedNamespace { Type = "mount", ContainerId = "c" } } }));
        Refused(() => ControlRequests.SharingOf(new CreateContainerRequest { Memory = new WireMemory { Name = "../x", SizeBytes = 1 } }));
        Refused(() => ControlRequests.SharingOf(new CreateContainerRequest { Memory = new WireMemory { Name = "x" } }));
    }

    private static void Refused(Action read) => Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(read).Code);
}
