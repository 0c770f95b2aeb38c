using Caisson.Agent;
using Caisson.Containers;
using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Protocol.Control;
using Caisson.Ttrpc;
using Google.Protobuf;
using ContainerRequest = Caisson.Protocol.Control.ContainerRequest;
using ExecRequest = Caisson.Protocol.Control.ExecRequest;

namespace Caisson.Fuzz;

/// <summary>
/// Requests to the agent, as far as they go without doing anything: decoded, checked field by field, turned into specifications and
/// judged. The first byte chooses the method.
/// </summary>
internal sealed class AgentRequestTarget : IFuzzTarget
{
    public string Name => "agent-requests";

    public IShape Shape { get; } = new ProtoShape(head: 1);

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            OciSpec spec = SpecReader.Parse(SpecSeeds.Rich, "seed");
            var storage = new Storage { Driver = "local", Source = "s", Fstype = "tmpfs", Options = { "mode=755", "nosuid", "size=1m" }, MountPoint = "/run/kata-containers/x" };
            yield return Seed(0, new Protocol.CreateContainerRequest { ContainerId = "c", ExecId = "c", Oci = SpecConverter.ToWire(spec), Storages = { storage } });
            yield return Seed(0, new Protocol.CreateContainerRequest { ContainerId = "c", ConfigJson = ByteString.CopyFrom(SpecSeeds.Rich) });
            yield return Seed(1, new ExecProcessRequest { ContainerId = "c", ExecId = "e", Process = SpecConverter.ToWire(spec.Process!) });
            yield return Seed(1, new ExecProcessRequest { ContainerId = "c", ExecId = "e", ProcessJson = ByteString.CopyFrom(SpecWriter.Write(spec.Process!)) });
            yield return Seed(2, new UpdateContainerRequest { ContainerId = "c", Resources = SpecConverter.ToWire(spec.Linux!.Resources!) });
            yield return Seed(3, new SignalProcessRequest { ContainerId = "c", ExecId = "e", Signal = 15 });
            yield return Seed(4, new TtyWinResizeRequest { ContainerId = "c", Row = 24, Column = 80 });
            yield return Seed(5, new CopyFileRequest { Path = "/run/kata-containers/x/y", FileSize = 3, FileMode = 0x81A4, Data = ByteString.CopyFromUtf8("abc") });
            yield return Seed(6, new Protocol.ListProcessesRequest { ContainerId = "c", Format = "table", Args = { "-o", "pid,cmd", "-ef" } });
            yield return Seed(7, new CreateSandboxRequest { Hostname = "h", Dns = { "nameserver 1.2.3.4" }, Storages = { storage } });
        }
    }

    public IEnumerable<string> Words => [.. SpecSeeds.Words, "/run/kata-containers/../../x", "mode=7777777777", "json", "table", "-o", "--format=x"];

    public void Run(byte[] input)
    {
        if (input.Length == 0)
        {
            return;
        }

        try
        {
            ReadOnlySpan<byte> message = input.AsSpan(1);
            switch (input[0] % 8)
            {
                case 0: Create(Parse(Protocol.CreateContainerRequest.Parser, message)); break;
                case 1: Exec(Parse(ExecProcessRequest.Parser, message)); break;
                case 2: _ = CgroupConversion.Limits(SpecDecoding.Resources(Parse(UpdateContainerRequest.Parser, message))); break;
                case 3: Signal(Parse(SignalProcessRequest.Parser, message)); break;
                case 4: Resize(Parse(TtyWinResizeRequest.Parser, message)); break;
                case 5: _ = FileCopy.RelativePath(Parse(CopyFileRequest.Parser, message).Path); break;
                case 6: List(Parse(Protocol.ListProcessesRequest.Parser, message)); break;
                default: Storages(Parse(CreateSandboxRequest.Parser, message).Storages); break;
            }
        }
        catch (Exception refused) when (refused is TtrpcException or ContainerException or Linux.CgroupException)
        {
            // What the server makes an answer with a code of.
        }
    }

    private static byte[] Seed(byte method, IMessage message) => [method, .. message.ToByteArray()];

    // As the server parses: what it throws is documented there.
    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> message)
        where T : class, IMessage<T> =>
        (T)new TtrpcMethod<T, T>(parser, static (request, _) => Task.FromResult(request)).Parse(message);

    private static void Create(Protocol.CreateContainerRequest request)
    {
        _ = RequestFields.Id(request.ContainerId, "container_id");
        OciSpec spec = SpecDecoding.Spec(request);
        _ = SpecValidator.Validate(spec);
        _ = SpecReader.Parse(SpecWriter.Write(spec), "written");
        Storages(request.Storages);
    }

    private static void Exec(ExecProcessRequest request)
    {
        _ = RequestFields.Id(request.ExecId, "exec_id");
        OciProcess process = SpecDecoding.Process(request);
        _ = SpecReader.ParseProcess(SpecWriter.Write(process), "written");
        _ = CapabilityPlan.Of(process.Capabilities, default, static _ => { });
    }

    private static void Signal(SignalProcessRequest request)
    {
        string id = RequestFields.OptionalId(request.ExecId);
        BrokenPromiseException.Require(!id.Contains('/', StringComparison.Ordinal) && id is not ("." or ".."), "an id that leads elsewhere");
        _ = RequestFields.Signal(request.Signal);
    }

    private static void Resize(TtyWinResizeRequest request) => _ = RequestFields.WindowSize(request.Row, request.Column);

    private static void List(Protocol.ListProcessesRequest request) => _ = ProcessTable.Format([], request.Format, request.Args);

    private static void Storages(IEnumerable<Storage> storages)
    {
        foreach (Storage storage in storages)
        {
            _ = StorageOptions.Parse(storage.Options);
            BrokenPromiseException.Require(StorageOptions.Mode(storage.Options) <= 0xFFF, "a mode with other bits");
        }
    }
}

/// <summary>Requests on control.sock, up to where the sandbox would act. The first byte chooses the method.</summary>
internal sealed class ControlTarget : IFuzzTarget
{
    public string Name => "control";

    public IShape Shape { get; } = new ProtoShape(head: 1);

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            var keeper = new Keeper { Process = new HostProcess { Pid = 5, StartTime = 6 }, Socket = "k.sock" };
            yield return Seed(0, new Protocol.Control.CreateContainerRequest
            {
                ContainerId = "c",
                ConfigJson = ByteString.CopyFrom(SpecSeeds.Rich),
                DescriptorToken = ByteString.CopyFrom(new byte[16]),
                Mounts = { new PassedMount { DescriptorIndex = 0, MountIndex = -1, IsDirectory = true }, new PassedMount { DescriptorIndex = 1, MountIndex = 1 } },
            });
            yield return Seed(1, new ContainerRequest { ContainerId = "c", Keeper = keeper });
            yield return Seed(2, new ExecRequest { ContainerId = "c", ExecId = "e", ProcessJson = ByteString.CopyFrom(SpecWriter.Write(SpecReader.Parse(SpecSeeds.Rich, "seed").Process!)), Keeper = keeper });
            yield return Seed(3, new BootRequest { Vcpus = 1, MemoryMib = 256, Qemu = "/q", Virtiofsd = "/v", Kernel = "/k", Initrd = "/i", Accelerator = "tcg", KernelParameters = { "a" } });
            yield return Seed(4, new SignalRequest { ContainerId = "c", Signal = 15, All = true });
        }
    }

    public IEnumerable<string> Words => SpecSeeds.Words;

    public void Run(byte[] input)
    {
        if (input.Length == 0)
        {
            return;
        }

        try
        {
            ReadOnlySpan<byte> message = input.AsSpan(1);
            switch (input[0] % 5)
            {
                case 0: Create(Parse(Protocol.Control.CreateContainerRequest.Parser, message)); break;
                case 1: _ = Sandboxes.ControlRequests.KeeperOf(Parse(ContainerRequest.Parser, message).Keeper); break;
                case 2: Exec(Parse(ExecRequest.Parser, message)); break;
                case 3: _ = Sandboxes.ControlRequests.PlanOf(Parse(BootRequest.Parser, message)); break;
                default: _ = Sandboxes.ControlRequests.SignalOf(Parse(SignalRequest.Parser, message)); break;
            }
        }
        catch (Exception refused) when (refused is TtrpcException or SpecException)
        {
            // Answers with a code.
        }
    }

    private static byte[] Seed(byte method, IMessage message) => [method, .. message.ToByteArray()];

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> message)
        where T : class, IMessage<T> =>
        (T)new TtrpcMethod<T, T>(parser, static (request, _) => Task.FromResult(request)).Parse(message);

    private static void Create(Protocol.Control.CreateContainerRequest request)
    {
        OciSpec spec = SpecReader.Parse(request.ConfigJson.Span, "config.json");
        foreach (PassedMount mount in request.Mounts)
        {
            string name = Sandboxes.ControlRequests.ShareNameOf(request.ContainerId, spec, mount, descriptors: 2);
            BrokenPromiseException.Require(!name.Split('/')[..^1].Any(part => part is "" or "." or ".."), $"a share outside of the share's directory: {name}");
        }
    }

    private static void Exec(ExecRequest request)
    {
        _ = SpecReader.ParseProcess(request.ProcessJson.Span, "process");
        _ = Sandboxes.ControlRequests.KeeperOf(request.Keeper);
    }
}
