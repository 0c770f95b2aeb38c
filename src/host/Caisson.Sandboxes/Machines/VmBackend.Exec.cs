using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <content>Further processes in a container.</content>
public sealed partial class VmBackend
{
    private const int ExecIdBytes = 8;

    public int Exec(ContainerRecord record, OciSpec spec, ExecOrder order)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(order);
        Refusals.Require(Isolation.Vm, order.Process);
        VmCreation.RequireNoDescriptors(order.PreserveFds);
        if (order.Cgroups.Count > 0)
        {
            throw new SandboxException($"--cgroup {order.Cgroups[0]}: cgroups below a container's own are not there in a virtual machine; use --isolation namespaces, or leave it out");
        }

        HostPolicies.Warn(order.Process, linux: null, _warn);
        using ForegroundSession? session = order.Detach ? null : ForegroundSession.Begin();
        using ConsolePair? pair = order.Process.Terminal && !order.Detach ? ConsolePair.Create() : null;
        using UnixSocket? console = pair is null ? Consoles.Connect(order.ConsoleSocket) : null;
        if (session is not null && !order.NoSubreaper)
        {
            Prctl.SetChildSubreaper(true);
        }

        using ContainerProcess keeper = StartInGuest(record, spec, order, pair?.Far ?? console);
        order.Announce(keeper);
        if (session is null)
        {
            return 0;
        }

        if (pair is not null)
        {
            session.Attach(pair.TakeMaster());
        }

        int code = session.WaitFor(keeper.PidFd, keeper.Wait);
        WarnOfCause(record);
        return code;
    }

    private ContainerProcess StartInGuest(ContainerRecord record, OciSpec spec, ExecOrder order, UnixSocket? console)
    {
        SandboxDirectory sandbox = PlaceOf(record);
        using ControlClient client = ControlClient.Connect(sandbox.Path);
        string socketName = SandboxDirectory.ChooseKeeperSocket();
        Cgroup? cgroup = record.Cgroup is { } key ? RecordedCgroup.Open(key) : null;
        ContainerProcess keeper = KeeperLauncher.Exec(sandbox, socketName, record, spec, order.Process, console, cgroup);
        try
        {
            client.Exec(new Protocol.Control.ExecRequest
            {
                ContainerId = record.Id,
                ExecId = $"exec-{KernelRandom.Hex(ExecIdBytes)}",
                ProcessJson = ByteString.CopyFrom(SpecWriter.Write(order.Process)),
                Keeper = KeeperLauncher.Describe(ProcessIdentity.Read(keeper.Pid), socketName),
                IgnorePaused = order.IgnorePaused,
            });
            return keeper;
        }
        catch
        {
            keeper.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
            keeper.Wait();
            keeper.Dispose();
            FileCalls.TryRemove($"{sandbox.Path}/{socketName}", isDirectory: false, out _);
            throw;
        }
    }
}
