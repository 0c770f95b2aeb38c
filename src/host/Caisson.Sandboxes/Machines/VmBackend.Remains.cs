using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <content>Ending and removing without the supervisor's help.</content>
public sealed partial class VmBackend
{
    // A supervisor that was asked to end takes this long at most before it is ended.
    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(20);

    private void EndRemains(ContainerRecord record)
    {
        if (record.SandboxId is null)
        {
            return;
        }

        SandboxDirectory sandbox = PlaceOf(record);
        if (sandbox.TryReadSnapshot() is { } snapshot)
        {
            AwaitEnd(snapshot);
            if (record.SandboxOwner is null || StillHas(sandbox, record.Id))
            {
                SandboxRemains.Kill(snapshot);
            }
        }

        SandboxRemains.Kill(record.Init);
        if (record.Cgroup is { } key && record.SharesCgroup)
        {
            RecordedCgroup.Open(key).RemoveWhereEmpty();
        }
        else if (record.Cgroup is { } own)
        {
            // Also what was started after the last snapshot was written.
            RecordedCgroup.Remove(own);
        }

        if (record.SystemdUnit is { } unit)
        {
            SystemdPlacement.Stop(unit);
        }

        sandbox.Leave(record.SandboxOwner is null ? SandboxDirectory.Owner : record.Id);
    }

    // A further container that goes on in a guest which nobody can ask any more ends with its machine only.
    private static bool StillHas(SandboxDirectory sandbox, string containerId) =>
        sandbox.TryReadSnapshot() is { Status: not SandboxStatus.Stopped } snapshot && Find(snapshot, containerId) is { Status: not ContainerStatus.Stopped };

    private static void AwaitEnd(SandboxSnapshot snapshot)
    {
        if (snapshot is { Status: SandboxStatus.Stopping or SandboxStatus.Stopped, Supervisor: { IsAlive: true } supervisor }
            && PidFd.TryOpen(supervisor.Pid, out PidFd? pidFd, out _))
        {
            using (pidFd)
            {
                if (supervisor.IsAlive)
                {
                    Poller.Wait(pidFd, PollEvents.In, s_endPatience);
                }
            }
        }
    }
}
