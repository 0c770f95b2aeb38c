using Caisson.Harness;
using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>What containerd's configuration says about a runtime.</summary>
public sealed class ShimOptionsTests : ContainerTest
{
    private const string OwnScore = "/proc/self/oom_score_adj";

    private ShimUnderTest? _shim;

    [RootFact]
    public void Shim_is_in_its_cgroup_and_dies_before_containerd()
    {
        Workplace place = Place(Isolation.Namespaces);
        var cgroup = Cgroup.Create(CgroupLayout.Discover(), $"/{place.Name}-shim");
        ShimUnderTest shim = Shim(place, new RuncOptions { ShimCgroup = $"/{place.Name}-shim" });

        Assert.Contains(ShimUnderTest.Pid, cgroup.Pids());
        Assert.Equal(int.Parse(File.ReadAllText(OwnScore)) + 1, int.Parse(File.ReadAllText($"/proc/{ShimUnderTest.Pid}/oom_score_adj")));
        shim.ShutDown();
        cgroup.Remove();
    }

    [RootFact]
    public void Options_that_cannot_be_honoured_are_named()
    {
        Workplace place = Place(Isolation.Namespaces);
        CommandResult cgroup = ShimUnderTest.Start(place, new RuncOptions { ShimCgroup = "/no/such/cgroup" });
        File.Delete(Path.Combine(place.Path, "containerd-shim-caisson-namespaces-v2"));
        CommandResult other = ShimUnderTest.Start(place, new RuncOptions { BinaryName = "/usr/bin/runc" });

        Assert.Equal((1, 1), (cgroup.ExitCode, other.ExitCode));
        Assert.Contains("ShimCgroup: /no/such/cgroup: there is no such cgroup", cgroup.Error);
        Assert.Contains("BinaryName: /usr/bin/runc: this shim runs containers by itself", other.Error);
    }

    [RootFact]
    public void Streams_belong_to_whom_the_options_say()
    {
        const uint Group = 4242;
        Workplace place = Place(Isolation.Namespaces);
        ShimUnderTest shim = Shim(place);
        string fifo = Path.Combine(place.Path, "out");
        RunningCommand.Start("mkfifo", [fifo]).CloseInput().Wait().Expect();
        using RunningCommand reader = RunningCommand.Start("cat", [fifo]);
        place.Bundle.Script("echo out");

        shim.Create(new CreateTaskRequest
        {
            Id = place.Id,
            Bundle = place.Bundle.Path,
            Stdout = fifo,
            Options = ShimUnderTest.Pack(new RuncOptions { IoUid = 0, IoGid = Group }),
        });

        Assert.Equal(Group, FileCalls.Stat(fifo).GroupId);
        shim.Task("", "Start", StartResponse.Parser);
        Assert.Equal(0u, shim.Task("", "Wait", WaitResponse.Parser).ExitStatus);
        shim.Task("", "Delete", DeleteResponse.Parser);
        Assert.Equal("out\n", reader.CloseInput().Wait().Output);
        shim.ShutDown();
    }

    [Theory, Isolations]
    public void Checkpoint_that_cannot_be_restored_is_refused_before_anything_is_made(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ShimUnderTest shim = Shim(place);

        TtrpcException refused = Assert.Throws<TtrpcException>(() =>
            shim.Create(new CreateTaskRequest { Id = place.Id, Bundle = place.Bundle.Path, Checkpoint = Path.Combine(place.Path, "none") }));

        Assert.Equal(isolation == Isolation.Vm ? TtrpcCode.Unimplemented : TtrpcCode.InvalidArgument, refused.Code);
        Assert.Contains(isolation == Isolation.Vm ? "isolation vm restores no checkpoints" : "none: no such directory", refused.Message);
        Assert.Equal(TtrpcCode.NotFound, Assert.Throws<TtrpcException>(() => shim.Task("", "State", StateResponse.Parser)).Code);
        shim.ShutDown();
    }

    protected override void Finish(bool failed) => _shim?.Dispose();

    private ShimUnderTest Shim(Workplace place, IMessage? options = null) => _shim = new ShimUnderTest(place, options);
}
