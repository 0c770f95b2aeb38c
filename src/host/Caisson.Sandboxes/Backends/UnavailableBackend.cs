using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>An isolation that this build cannot give: every request is refused with the reason.</summary>
public sealed class UnavailableBackend(Isolation isolation, string reason) : IContainerBackend
{
    public Isolation Isolation { get; } = isolation;

    public void RequirePossible() => throw Refusal();

    public ContainerRecord Create(CreateOrder order, Journal journal) => throw Refusal();

    public void Start(ContainerRecord record, OciSpec spec) => throw Refusal();

    public int Run(CreateOrder order, Journal journal, Action<ContainerRecord> running) => throw Refusal();

    public LiveContainer Look(ContainerRecord record) => throw Refusal();

    public void Kill(ContainerRecord record, int signal, bool all) => throw Refusal();

    public void Delete(ContainerRecord record, OciSpec? spec) => throw Refusal();

    public int Exec(ContainerRecord record, OciSpec spec, ExecOrder order) => throw Refusal();

    public IReadOnlyList<int> HostPids(ContainerRecord record) => throw Refusal();

    public IReadOnlyList<string> ProcessTable(ContainerRecord record, IReadOnlyList<string> options) => throw Refusal();

    public NetworkListing ListNetwork(ContainerRecord record) => throw Refusal();

    public void RequireNetwork(ContainerRecord record) => throw Refusal();

    public void AwaitInterface(ContainerRecord record, string name, bool isThere) => throw Refusal();

    public void Pause(ContainerRecord record) => throw Refusal();

    public void Unpause(ContainerRecord record) => throw Refusal();

    public void Update(ContainerRecord record, LinuxResources resources) => throw Refusal();

    public ContainerUsage Measure(ContainerRecord record) => throw Refusal();

    public IContainerWatch Watch(ContainerRecord record) => throw Refusal();

    private SandboxException Refusal() => new($"isolation {IsolationName.Of(Isolation)}: {reason}");
}
