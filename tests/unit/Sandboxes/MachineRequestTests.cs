using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

/// <summary>What the vm object of a config.json, whose author is not trusted, can choose.</summary>
public sealed class MachineRequestTests
{
    private static readonly MachineAssets s_assets = new(
        "/usr/bin/qemu", null, "/guest/vmlinux", "/guest/initrd", "auto",
        new VmConfiguration { AllowedPaths = ["/opt/qemu", "/opt/kernels/"], Vcpus = 2, MemoryMiB = 512 });

    [Fact]
    public void Paths_are_the_administrators()
    {
        var wanted = new OciVM { Hypervisor = new VMHypervisor { Path = "/opt/qemu" }, Kernel = new VMKernel { Path = "/opt/kernels/a", InitRD = "/opt/kernels/b" } };

        MachineAssets assets = MachineRequest.Apply(s_assets, wanted);

        Assert.Equal(("/opt/qemu", "/opt/kernels/a", "/opt/kernels/b"), (assets.Qemu, assets.Kernel, assets.Initrd));
    }

    [Theory]
    [InlineData("/opt/qemu2")]
    [InlineData("/opt/kernels")]
    [InlineData("/opt/kernels/../../etc/shadow")]
    [InlineData("/opt/kernels/./a")]
    [InlineData("/tmp/mine")]
    public void Path_that_is_not_allowed_is_refused_by_name(string path)
    {
        SandboxException refused = Assert.Throws<SandboxException>(() => MachineRequest.Apply(s_assets, new OciVM { Kernel = new VMKernel { Path = path } }));

        Assert.StartsWith($"config.json: vm.kernel.path: {path}: not among vm.allowedPaths", refused.Message);
    }

    [Fact]
    public void Size_is_the_least_of_the_machine()
    {
        VmConfiguration larger = MachineRequest.Apply(s_assets, new OciVM { HwConfig = new VMHwConfig { VCpus = 4, Memory = (1ul << 30) + 1 } }).Configured;
        VmConfiguration smaller = MachineRequest.Apply(s_assets, new OciVM { HwConfig = new VMHwConfig { VCpus = 1, Memory = 1 } }).Configured;

        Assert.Equal((4, 1025), (larger.Vcpus, larger.MemoryMiB));
        Assert.Equal((2, 512), (smaller.Vcpus, smaller.MemoryMiB));
    }

    [Theory]
    [InlineData(256u, 0ul)]
    [InlineData(1u, ulong.MaxValue)]
    public void Size_that_no_machine_has_is_refused(uint cpus, ulong memory) =>
        Assert.Throws<SandboxException>(() => MachineRequest.Apply(s_assets, new OciVM { HwConfig = new VMHwConfig { VCpus = cpus, Memory = memory } }));
}
