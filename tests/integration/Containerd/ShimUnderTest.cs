using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>A shim that is started and asked as containerd does, without containerd: its events go nowhere.</summary>
internal sealed class ShimUnderTest : IDisposable
{
    private const string Daemon = "containerd-shim-caisson";
    private static readonly string[] s_shared = ["network", "ipc", "uts"];

    private readonly Workplace _place;
    private readonly TtrpcClient _client;

    /// <summary>Starts one for a sandbox, or a container, of the place's id.</summary>
    /// <param name="place">The test's place.</param>
    /// <param name="options">What containerd's configuration says about the runtime.</param>
    internal ShimUnderTest(Workplace place, IMessage? options = null)
    {
        _place = place;
        Bundle = BundleOf(place);
        string address = Start(place, options).Expect();
        _client = new TtrpcClient(new DescriptorStream(UnixSocket.Connect(address["unix://".Length..]), EventLoop.Shared), "shim");
    }

    /// <summary>containerd's bundle of the sandbox.</summary>
    internal string Bundle { get; }

    private string Records => $"/run/containerd/caisson/{_place.Name}";

    internal static int Pid => MachineProcesses.Find(Daemon);

    /// <summary>The start of a shim, which may fail.</summary>
    internal static CommandResult Start(Workplace place, IMessage? options)
    {
        Directory.CreateDirectory(BundleOf(place));
        string program = Path.Combine(place.Path, $"{Daemon}-{place.Isolation.Flag()}-v2");
        File.CreateSymbolicLink(program, Executable.Path);
        RunningCommand start = place.StartProgram(
            program,
            ["-namespace", place.Name, "-address", Path.Combine(place.Path, "nobody.sock"), "-id", place.Id, "start"],
            info => info.WorkingDirectory = BundleOf(place));
        if (options is not null)
        {
            start.Input.Write(Pack(options).ToByteArray());
        }

        return start.CloseInput().Wait();
    }

    /// <summary>Options as they are handed over: by the names that messages have for containerd.</summary>
    internal static Any Pack(IMessage options) => new()
    {
        TypeUrl = options switch
        {
            RuncOptions => "containerd.runc.v1.Options",
            RuntimeOptions => "runtimeoptions.v1.Options",
            RuncCheckpointOptions => "containerd.runc.v1.CheckpointOptions",
            Cri.PodConfig => "runtime.v1.PodSandboxConfig",
            _ => options.Descriptor.FullName,
        },
        Value = options.ToByteString(),
    };

    /// <summary>Asks for the sandbox, as the CRI plugin does or with nothing but its bundle.</summary>
    internal void CreateSandbox(IMessage? pod, string network = "") =>
        Call("containerd.runtime.sandbox.v1.Sandbox", "CreateSandbox", new CreateSandboxRequest
        {
            SandboxId = _place.Id,
            BundlePath = Bundle,
            NetnsPath = network,
            Options = pod is null ? null : Pack(pod),
        }, Empty.Parser);

    internal T Sandbox<T>(string method, MessageParser<T> parser)
        where T : class, IMessage<T> => SandboxAsync(method, parser).GetAwaiter().GetResult();

    internal Task<T> SandboxAsync<T>(string method, MessageParser<T> parser)
        where T : class, IMessage<T> =>
        _client.CallAsync("containerd.runtime.sandbox.v1.Sandbox", method, new SandboxRequest { SandboxId = _place.Id }, parser, Deadline.Patience);

    internal SandboxStatusResponse Status() => Sandbox("SandboxStatus", SandboxStatusResponse.Parser);

    /// <summary>Creates and starts a container in the sandbox, whose configuration names the pod's namespaces as CRI's does.</summary>
    internal void Run(string name, uint sandboxPid, string script, string log)
    {
        Bundle bundle = _place.AnotherBundle(name).Script(script).Edit(config =>
        {
            config.Remove("hostname");
            config["linux"]!["cgroupsPath"] = $"/{_place.Name}/{name}";
            foreach (JsonNode? ns in config["linux"]!["namespaces"]!.AsArray())
            {
                string type = (string)ns!["type"]!;
                if (s_shared.Contains(type))
                {
                    ns["path"] = $"/proc/{sandboxPid}/ns/{(type == "network" ? "net" : type)}";
                }
            }
        });
        File.WriteAllText(Path.Combine(bundle.Path, "sandbox"), _place.Id);
        string output = $"file://{log}";
        Create(new CreateTaskRequest { Id = Id(name), Bundle = bundle.Path, Stdout = output, Stderr = output });
        Task(name, "Start", StartResponse.Parser);
    }

    internal T Task<T>(string name, string method, MessageParser<T> parser)
        where T : class, IMessage<T> => Call("containerd.task.v2.Task", method, new ProcessRequest { Id = Id(name) }, parser);

    internal CreateTaskResponse Create(CreateTaskRequest request) => Call("containerd.task.v2.Task", "Create", request, CreateTaskResponse.Parser);

    /// <summary>Tells the shim to end, as containerd does after its last container.</summary>
    internal void ShutDown()
    {
        Call("containerd.task.v2.Task", "Shutdown", new ShutdownRequest { Id = _place.Id }, Empty.Parser);
        Deadline.Wait("the shim's end", () => MachineProcesses.TryFind(Daemon) is null);
    }

    /// <summary>Adds an exec that is never started.</summary>
    internal void AddExec(string name, string exec) =>
        Call("containerd.task.v2.Task", "Exec", new ExecProcessRequest { Id = Id(name), ExecId = exec }, Empty.Parser);

    /// <summary>Shuts the sandbox down: with it the shim ends.</summary>
    internal void End()
    {
        Sandbox("ShutdownSandbox", Empty.Parser);
        Deadline.Wait("the shim's end", () => MachineProcesses.TryFind(Daemon) is null);
    }

    public void Dispose()
    {
        _client.DisposeAsync().AsTask().GetAwaiter().GetResult();
        if (MachineProcesses.TryFind(Daemon) is { } shim)
        {
            // The test has failed.
            MachineProcesses.Signal(shim, Signal.SIGKILL);
            foreach (string id in _place.Run("--root", Records, "list", "--quiet").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                _place.Run("--root", Records, "delete", "--force", id);
            }
        }

        if (Directory.Exists(Records))
        {
            Directory.Delete(Records);
        }

        // The pod's parent cgroup is kubelet's.
        foreach (string hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup"))
        {
            FileCalls.TryRemove(Path.Combine(hierarchy, _place.Name), isDirectory: true, out _);
        }
    }

    private static string BundleOf(Workplace place) => Path.Combine(place.Path, "sandbox");

    private string Id(string name) => name.Length == 0 ? _place.Id : $"{_place.Id}-{name}";

    private TResponse Call<TRequest, TResponse>(string service, string method, TRequest request, MessageParser<TResponse> parser)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        _client.CallAsync(service, method, request, parser, Deadline.Patience).GetAwaiter().GetResult();
}
