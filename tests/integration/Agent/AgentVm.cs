using Caisson.Harness;
using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Tests;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.IntegrationTests.Agent;

/// <summary>One machine for all tests of the agent: booting costs more than most of them. Each test makes containers of its own.</summary>
[CollectionDefinition(nameof(AgentVm))]
public sealed class AgentVm : IAsyncLifetime, ICollectionFixture<AgentVm>
{
    internal const string Top = "/run/kata-containers";
    internal const string Shared = Top + "/shared/containers";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-agent-").FullName;
    private IVirtualMachine? _machine;
    private AgentClient? _client;
    private int _containers;

    internal AgentClient Client => _client!;

    internal TimeSpan BootTime { get; private set; }

    private string ShareDirectory => Path.Combine(_directory, "shared");

    public async ValueTask InitializeAsync()
    {
        if (!Host.CanBootMachines)
        {
            return;    // each test says so
        }

        Directory.CreateDirectory(ShareDirectory);
        string machine = Directory.CreateDirectory(Path.Combine(_directory, "machine")).FullName;
        var config = new VmConfig
        {
            Name = "agent-tests",
            Accelerator = Accelerator.Tcg,
            Kernel = Path.Combine(Executable.GuestAssets, "vmlinux"),
            Initrd = Path.Combine(Executable.GuestAssets, "initrd.img"),
            SharedDirectory = ShareDirectory,
            ExtraKernelParameters = ["caisson.debug"],
            Identity = new JailIdentity(100_003, 100_003),
        };
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        _machine = await new QemuHypervisor(TestLauncher.Program, QemuInstallation.Find()).StartAsync(config, machine, CancellationToken.None);
        _client = await ConnectAsync();
        await _client.CheckAsync(new CheckRequest());
        BootTime = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        var request = new CreateSandboxRequest
        {
            Hostname = "guest",
            SandboxId = "0123456789abcdef",
            Storages = { new Storage { Driver = "virtio-fs", Source = "kataShared", Fstype = "virtiofs", MountPoint = Shared } },
        };
        await _client.CreateSandboxAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        if (_machine is not null)
        {
            TestContext.Current.SendDiagnosticMessage($"console: {_machine.ConsoleTail()}");
            if (_client is not null)
            {
                // A test by itself, at the price of no machine more.
                await _client.DestroySandboxAsync(new DestroySandboxRequest());
                await _machine.Exited.WaitAsync(s_patience);
                await _client.DisposeAsync();
            }

            await _machine.StopAsync();
            await _machine.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Connects anew, as a second supervisor does; the session before ends.</summary>
    internal async Task ReconnectAsync()
    {
        await _client!.DisposeAsync();
        _client = await ConnectAsync();
    }

    /// <summary>Writes bytes into the port as a host that has lost its mind.</summary>
    internal async Task SendGarbageAsync(ReadOnlyMemory<byte> bytes)
    {
        await _client!.DisposeAsync();
        await using (Stream port = Dial())
        {
            await port.WriteAsync(bytes);
        }

        _client = await ConnectAsync();
    }

    /// <summary>A container with busybox as its root file system, which does what its command says.</summary>
    internal async Task<TestContainer> CreateAsync(string command, Func<OciSpec, OciSpec>? change = null)
    {
        string id = $"test-{Interlocked.Increment(ref _containers)}";
        string rootfs = Path.Combine(ShareDirectory, id, "rootfs");
        Directory.CreateDirectory(rootfs);
        RootFileSystem.Make(rootfs);
        OciSpec spec = TestSpec.Create(id, command);
        spec = change is null ? spec : change(spec);
        var container = new TestContainer(this, id, rootfs);
        await Client.CreateContainerAsync(new CreateContainerRequest { ContainerId = id, ExecId = id, ConfigJson = ByteString.CopyFrom(SpecWriter.Write(spec)) });
        return container;
    }

    private async Task<AgentClient> ConnectAsync()
    {
        Stream session = await SerialLink.ConnectAsync(_ => ValueTask.FromResult<Stream>(Dial()), s_patience);
        return new AgentClient(new TtrpcClient(session, "agent"));
    }

    private DescriptorStream Dial() => new DescriptorStream(UnixSocket.Connect(_machine!.AgentSocket!), EventLoop.Shared);
}
