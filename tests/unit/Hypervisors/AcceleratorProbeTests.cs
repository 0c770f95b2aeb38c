using System.Diagnostics;
using Caisson.Hypervisors;
using Caisson.Tests;

namespace Caisson.UnitTests.Hypervisors;

public sealed class AcceleratorProbeTests : IDisposable
{
    private static readonly JailIdentity s_identity = new(100_002, 100_002);

    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-cache-").FullName;
    private readonly QemuInstallation _installation = QemuInstallation.Find();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Auto_answers_with_one_that_boots_and_asks_only_once()
    {
        string kernel = GuestKernel.Require();
        var said = new List<string>();
        var hypervisor = new QemuHypervisor(TestLauncher.Program, _installation);
        var probe = new AcceleratorProbe(hypervisor, _installation, Path.Combine(_directory, "made"));

        AcceleratorVerdict first = await probe.ChooseAsync(AcceleratorChoice.Auto, kernel, s_identity, said.Add, CancellationToken.None);
        long again = Stopwatch.GetTimestamp();
        AcceleratorVerdict second = await probe.ChooseAsync(AcceleratorChoice.Auto, kernel, s_identity, said.Add, CancellationToken.None);

        Assert.Equal(first, second);
        Assert.True(Stopwatch.GetElapsedTime(again) < TimeSpan.FromSeconds(1));
        Assert.Equal(File.Exists("/dev/kvm") ? 1 : 0, said.Count);
        await AssertBootsAsync(hypervisor, first.Accelerator, kernel);
    }

    [Theory]
    [InlineData(AcceleratorChoice.Kvm, Accelerator.Kvm)]
    [InlineData(AcceleratorChoice.Tcg, Accelerator.Tcg)]
    public async Task What_is_asked_for_is_taken_without_a_probe(AcceleratorChoice choice, Accelerator expected)
    {
        var probe = new AcceleratorProbe(new QemuHypervisor(TestLauncher.Program, _installation), _installation, _directory);

        AcceleratorVerdict verdict = await probe.ChooseAsync(choice, "/no/kernel", s_identity, null, CancellationToken.None);

        Assert.Equal(new AcceleratorVerdict(expected, "asked for", null), verdict);
    }

    [Fact]
    public void A_verdict_holds_until_the_kernel_changes()
    {
        string kernel = Path.Combine(_directory, "vmlinux");
        File.WriteAllText(kernel, "one");
        var verdict = new AcceleratorVerdict(Accelerator.Kvm, "it ran", DateTimeOffset.UnixEpoch);
        Cache(kernel).Write(verdict);

        Assert.Equal(verdict, Cache(kernel).Read());
        File.WriteAllText(kernel, "other");
        Assert.Null(Cache(kernel).Read());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"formatVersion": 2}""")]
    [InlineData("""{"formatVersion": 1, "key": 3}""")]
    public void A_file_that_is_not_understood_is_no_verdict(string content)
    {
        string kernel = Path.Combine(_directory, "vmlinux");
        File.WriteAllText(kernel, "one");
        File.WriteAllText(Path.Combine(_directory, "accelerator.json"), content);

        Assert.Null(Cache(kernel).Read());
    }

    [Fact]
    public void A_cache_that_cannot_be_written_is_no_error()
    {
        string kernel = Path.Combine(_directory, "vmlinux");
        File.WriteAllText(kernel, "one");
        var cache = new AcceleratorCache(kernel, _installation.Executable, kernel);    // a file where the directory should be

        cache.Write(new AcceleratorVerdict(Accelerator.Kvm, "it ran", DateTimeOffset.UnixEpoch));

        Assert.Null(cache.Read());
    }

    private AcceleratorCache Cache(string kernel) => new(_directory, _installation.Executable, kernel);

    private async Task AssertBootsAsync(QemuHypervisor hypervisor, Accelerator accelerator, string kernel)
    {
        string directory = Directory.CreateDirectory(Path.Combine(_directory, "vm")).FullName;
        var config = new VmConfig { Name = "boots", Accelerator = accelerator, Kernel = kernel, VerboseBoot = true, Identity = s_identity };
        await using IVirtualMachine machine = await hypervisor.StartAsync(config, directory, CancellationToken.None);
        await machine.ConsoleSpoke.WaitAsync(TimeSpan.FromSeconds(60));
        await machine.StopAsync();
    }
}
