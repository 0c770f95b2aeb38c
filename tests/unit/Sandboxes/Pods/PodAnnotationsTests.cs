using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Pods;

public sealed class PodAnnotationsTests
{
    [Theory]
    [InlineData("io.kubernetes.cri.container-type")]
    [InlineData("io.kubernetes.cri-o.ContainerType")]
    public void Engines_say_which_container_a_pod_is_made_with(string annotation)
    {
        Assert.True(PodAnnotations.IsSandbox(new Dictionary<string, string> { [annotation] = "sandbox" }));
        Assert.True(PodAnnotations.IsFurther(new Dictionary<string, string> { [annotation] = "container" }));
        Assert.False(PodAnnotations.IsSandbox(new Dictionary<string, string>()));
    }

    [Fact]
    public void Machine_of_a_pod_is_sized_by_the_pods_resources()
    {
        LinuxResources resources = PodAnnotations.MachineResources(Spec("sandbox", ("cpu-quota", "250000"), ("cpu-period", "50000"), ("cpu-shares", "512"), ("memory", "134217728")))!;

        Assert.Equal((250_000L, 50_000ul, 512ul), (resources.Cpu!.Quota, resources.Cpu.Period, resources.Cpu.Shares));
        Assert.Equal(256 + 128, MachineSize.For(resources).MemoryMib);
    }

    [Fact]
    public void Pod_without_limits_is_sized_by_its_first_container()
    {
        LinuxResources resources = PodAnnotations.MachineResources(Spec("sandbox", ("cpu-quota", "-1"), ("cpu-period", "100000"), ("memory", "0")))!;

        Assert.Equal(((long?)null, (ulong?)null, 2ul), (resources.Cpu!.Quota, resources.Cpu.Period, resources.Cpu.Shares));
        Assert.Null(resources.Memory);
    }

    [Fact]
    public void Container_by_itself_is_sized_by_its_own_resources() =>
        Assert.Null(PodAnnotations.MachineResources(Spec("", ("memory", "134217728")))!.Memory);

    [Fact]
    public void Size_that_is_no_number_is_named() =>
        Assert.Contains("sandbox-memory: \"much\"", Assert.Throws<SandboxException>(() => PodAnnotations.MachineResources(Spec("sandbox", ("memory", "much")))).Message);

    private static OciSpec Spec(string type, params (string Name, string Value)[] sizes)
    {
        var annotations = new Dictionary<string, string> { ["io.kubernetes.cri.container-type"] = type };
        foreach ((string name, string value) in sizes)
        {
            annotations[$"io.kubernetes.cri.sandbox-{name}"] = value;
        }

        return new OciSpec
        {
            Annotations = new SpecMap<string>(annotations),
            Linux = new OciLinux { Resources = new LinuxResources { Cpu = new LinuxCpu { Shares = 2 } } },
        };
    }
}
