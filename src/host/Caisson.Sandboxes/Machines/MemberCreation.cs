using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;

namespace Caisson.Sandboxes;

/// <summary>
/// The making of a further container in a machine that is there: no supervisor and no boot, but a keeper and a cgroup of its own. What is
/// undone is this container alone.
/// </summary>
internal sealed class MemberCreation : VmCreation
{
    private readonly IReadOnlyDictionary<string, string> _joined;

    private MemberCreation(CreateOrder order, Journal journal, SandboxDirectory sandbox, SandboxMemory? memory, IReadOnlyDictionary<string, string> joined)
        : base(order, journal, sandbox, assets: null, memory) => _joined = joined;

    /// <summary>Checks that the sandbox takes the container, and enters it.</summary>
    /// <exception cref="SandboxException">The sandbox is ending, or cannot give what the configuration asks for.</exception>
    internal static MemberCreation Begin(CreateOrder order, Journal journal, string sandboxes)
    {
        ContainerRecord first = order.Sandbox!;
        SandboxDirectory sandbox = SandboxDirectory.Of(sandboxes, first.SandboxId!);
        if (sandbox.TryReadSnapshot() is not { Status: SandboxStatus.Ready } snapshot)
        {
            throw new SandboxException($"--sandbox {first.Id}: its sandbox {sandbox.Id} is ending and takes no further container");
        }

        if (order.Spec.VM is not null)
        {
            throw new SandboxException($"{SpecReader.ConfigFileName}: vm: the machine of {first.Id} is there already and is not changed by a further container; leave it out");
        }

        SandboxMemory? memory = SharedMemory.OfPod(order.Spec, order.Bundle);
        (OciSpec spec, Dictionary<string, string> joined) = PodNamespaces.Resolve(order.Spec, snapshot);
        var creation = new MemberCreation(Checked(order with { Spec = spec }), journal, sandbox, memory, joined);
        try
        {
            creation.Enter();
            return creation;
        }
        catch
        {
            creation.Dispose();
            throw;
        }
    }

    // The machine's memory and CPU time are limited where the machine is; what is left binds the keepers.
    private protected override LinuxResources? Limits => Order.Spec.Linux?.Resources is { } asked ? asked with { Memory = null } : null;

    private void Enter()
    {
        Intend(new Intent(IntentKind.Member, Sandbox.MemberPath(Order.Id)));
        Sandbox.Enter(Order.Id);
        PlanCgroup();
        Connect();
    }

    private protected override void OnKeeper(int pid)
    {
        MakeUnit(pid);
        base.OnKeeper(pid);
    }

    private protected override void AwaitMachine(ProcessIdentity keeper) =>
        Order.Debug?.Invoke($"container {Order.Id}: keeper is pid {keeper.Pid}, in sandbox {Sandbox.Path}");

    private protected override void Complete(CreateContainerRequest request)
    {
        foreach (KeyValuePair<string, string> shared in _joined)
        {
            request.Namespaces.Add(new SharedNamespace { Type = shared.Key, ContainerId = shared.Value });
        }
    }

    // The end of the connection has told the supervisor. It is asked all the same: the next create of this id must not come too early.
    private protected override void EndSandbox()
    {
        try
        {
            using ControlClient client = ControlClient.Connect(Sandbox.Path);
            client.Delete(Order.Id, force: true);
        }
        catch (SandboxException)
        {
            // It never had the container, has undone it, or is gone.
        }
    }

    private protected override void LeaveSandbox() => Sandbox.Leave(Order.Id);
}
