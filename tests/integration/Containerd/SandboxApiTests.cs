using Caisson.Harness;
using Caisson.IntegrationTests.Cri;
using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Ttrpc;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>containerd 1.7's Sandbox API, spoken by a client of the test's own: containerd 1.6 does not.</summary>
public sealed class SandboxApiTests : ContainerTest
{
    private readonly List<ShimUnderTest> _shims = [];

    [Theory, Isolations]
    public async Task Containers_join_a_sandbox_without_a_pause_container(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ShimUnderTest shim = Shim(place);
        Assert.Equal(TtrpcCode.NotFound, Assert.Throws<TtrpcException>(() => shim.Sandbox("PingSandbox", Empty.Parser)).Code);

        shim.CreateSandbox(new PodConfig { Hostname = "pod", Linux = new LinuxPod { CgroupParent = $"/{place.Name}" } });
        Assert.Equal("SANDBOX_NOTREADY", shim.Status().State);
        StartSandboxResponse started = shim.Sandbox("StartSandbox", StartSandboxResponse.Parser);
        Assert.Equal(("SANDBOX_READY", started.Pid), (shim.Status().State, shim.Status().Pid));
        shim.Sandbox("PingSandbox", Empty.Parser);
        Platform platform = shim.Sandbox("Platform", PlatformResponse.Parser).Platform;
        Assert.Equal(("linux", "amd64"), (platform.Os, platform.Architecture));
        Assert.Equal(TtrpcCode.FailedPrecondition, Assert.Throws<TtrpcException>(() => shim.Sandbox("StartSandbox", Empty.Parser)).Code);
        Task<WaitResponse> end = shim.SandboxAsync("WaitSandbox", WaitResponse.Parser);

        string kernel = isolation == Isolation.Vm ? "cat /proc/sys/kernel/random/boot_id" : "readlink /proc/self/ns/net";
        string first = Path.Combine(place.Path, "first.log");
        shim.Run("first", started.Pid, $"hostname; {kernel}; readlink /proc/self/ns/ipc; exit 3", first);
        Assert.Equal(3u, shim.Task("first", "Wait", WaitResponse.Parser).ExitStatus);
        Assert.Equal(3u, shim.Task("first", "Delete", DeleteResponse.Parser).ExitStatus);
        string second = Path.Combine(place.Path, "second.log");
        shim.Run("second", started.Pid, $"hostname; {kernel}; readlink /proc/self/ns/ipc; while :; do sleep 1000; done", second);
        Deadline.Wait("what the second container sees", () => File.ReadAllLines(second).Length == 3);
        Assert.Equal(File.ReadAllText(first), File.ReadAllText(second));
        Assert.StartsWith("pod\n", File.ReadAllText(second));

        shim.Sandbox("StopSandbox", Empty.Parser);
        Assert.Equal(137u, shim.Task("second", "Wait", WaitResponse.Parser).ExitStatus);
        Assert.Equal(137u, (await end.WaitAsync(Deadline.Patience)).ExitStatus);
        Assert.Equal("SANDBOX_NOTREADY", shim.Status().State);
        Assert.NotNull(shim.Status().ExitedAt);
        shim.Task("second", "Delete", DeleteResponse.Parser);
        shim.End();
    }

    [RootFact]
    public void Shutdown_takes_everything_along()
    {
        Workplace place = Place(Isolation.Namespaces);
        ShimUnderTest shim = Shim(place);
        shim.CreateSandbox(new PodConfig { Linux = new LinuxPod { CgroupParent = $"/{place.Name}" } });
        StartSandboxResponse started = shim.Sandbox("StartSandbox", StartSandboxResponse.Parser);
        shim.Run("left", started.Pid, "while :; do sleep 1000; done", Path.Combine(place.Path, "left.log"));
        Assert.Equal(TtrpcCode.AlreadyExists, Assert.Throws<TtrpcException>(() => shim.CreateSandbox(new PodConfig())).Code);
        // Events that nobody takes: each was tried for ten seconds, also by a shim that was to end.
        for (int i = 0; i < 20; i++)
        {
            shim.AddExec("left", $"{i}");
        }

        shim.End();
    }

    [RootFact]
    public void Sandbox_is_made_as_the_bundle_says_and_ends_with_its_process()
    {
        Workplace place = Place(Isolation.Namespaces);
        ShimUnderTest shim = Shim(place);
        place.Bundle.Edit(config =>
        {
            config["hostname"] = "given";
            config["linux"]!["cgroupsPath"] = $"/{place.Name}/given";
        });
        File.Copy(place.Bundle.ConfigFile, Path.Combine(shim.Bundle, "config.json"));
        shim.CreateSandbox(null);
        StartSandboxResponse started = shim.Sandbox("StartSandbox", StartSandboxResponse.Parser);
        string log = Path.Combine(place.Path, "one.log");
        shim.Run("one", started.Pid, "hostname", log);
        shim.Task("one", "Wait", WaitResponse.Parser);
        Assert.Equal("given\n", File.ReadAllText(log));
        Assert.Contains($"/{place.Name}/given\n", File.ReadAllText($"/proc/{started.Pid}/cgroup"));
        shim.Task("one", "Delete", DeleteResponse.Parser);

        MachineProcesses.Signal((int)started.Pid, Signal.SIGKILL);

        Assert.Equal(137u, shim.Sandbox("WaitSandbox", WaitResponse.Parser).ExitStatus);
        Assert.Equal("SANDBOX_NOTREADY", shim.Status().State);
        shim.End();
    }

    [RootFact]
    public void Sandbox_that_cannot_be_leaves_nothing()
    {
        Workplace place = Place(Isolation.Namespaces);
        ShimUnderTest shim = Shim(place);

        TtrpcException network = Assert.Throws<TtrpcException>(() => shim.CreateSandbox(new PodConfig { Linux = new LinuxPod { CgroupParent = $"/{place.Name}" } }, "/no/such/netns"));
        TtrpcException options = Assert.Throws<TtrpcException>(() => shim.CreateSandbox(new Dns()));

        Assert.Contains("/no/such/netns", network.Message);
        Assert.Contains("expected runtime.v1.PodSandboxConfig", options.Message);
        shim.End();
    }

    protected override void Finish(bool failed) => _shims.ForEach(shim => shim.Dispose());

    private ShimUnderTest Shim(Workplace place)
    {
        var shim = new ShimUnderTest(place);
        _shims.Add(shim);
        return shim;
    }
}
