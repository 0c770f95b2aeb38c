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

    /// <summary>Starts one for a sandbox of the place's id.</summary>
    internal ShimUnderTest(Workplace place)
    {
        _place = place;
        Bundle = Path.Combine(place.Path, "sandbox");
        Directory.CreateDirectory(Bundle);
        string program = Path.Combine(place.Path, $"{Daemon}-{place.Isolation.Flag()}-v2");
        File.CreateSymbolicLink(program, Executable.Path);
        RunningCommand start = place.StartProgram(
            program,
            ["-namespace", place.Name, "-address", Path.Combine(place.Path, "nobody.sock"), "-id", place.Id, "start"],
            info => info.WorkingDirectory = Bundle);
        string address = start.CloseInput().Wait().Expect();
        _client = new TtrpcClient(new DescriptorStream(UnixSocket.Connect(address["unix://".Length..]), EventLoop.Shared), "shim");
    }

    /// <summary>containerd's bundle of the sandbox.</summary>
    internal string Bundle { get; }

    private string Records => $"/run/containerd/caisson/{_place.Name}";

    /// <summary>Asks for the sandbox, as the CRI plugin does or with nothing but its bundle.</summary>
    internal void CreateSandbox(IMessage? pod, string network = "") =>
        Call("containerd.runtime.sandbox.v1.Sandbox", "CreateSandbox", new CreateSandboxRequest
        {
            SandboxId = _place.Id,
            BundlePath = Bundle,
            NetnsPath = network,
            Options = pod is null ? null : new Any { TypeUrl = $"runtime.v1.{(pod is Cri.PodConfig ? "PodSandboxConfig" : pod.Descriptor.Name)}", Value = pod.ToByteString() },
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
        Call("containerd.task.v2.Task", "Create", new CreateTaskRequest { Id = Id(name), Bundle = bundle.Path, Stdout = output, Stderr = output }, CreateTaskResponse.Parser);
        Task(name, "Start", StartResponse.Parser);
    }

    internal T Task<T>(string name, string method, MessageParser<T> parser)
        where T : class, IMessage<T> => Call("containerd.task.v2.Task", method, new ProcessRequest { Id = Id(name) }, parser);

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

    private string Id(string name) => $"{_place.Id}-{name}";

    private TResponse Call<TRequest, TResponse>(string service, string method, TRequest request, MessageParser<TResponse> parser)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        _client.CallAsync(service, method, request, parser, Deadline.Patience).GetAwaiter().GetResult();
}
