using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// The process between creator and init where one is needed (<see cref="NamespacePlan.NeedsStage"/>, or the hidden verb): it joins,
/// clones init as a child of the creator, tells its pid, and ends.
/// </summary>
internal static class NamespaceStage
{
    internal static int Run(InitRequest request)
    {
        return InitFailure.Guard(request.Channel, () =>
        {
            if (request.Container.DiesWithCreator)
            {
                Prctl.SetParentDeathSignal(Signal.SIGKILL);
            }

            Prctl.SetDumpable(request.IsRootless);
            NamespaceJoin.All(request.Namespaces.Joined);
            CloneFlags flags = request.Namespaces.CloneFlags | CloneFlags.Parent;
            if (request.Namespaces.Creates(NamespaceKinds.Time))
            {
                // Offsets can be set while nobody is inside, so the namespace is made for children only.
                NamespaceCalls.Unshare(NamespaceKinds.Time);
                WriteTimeOffsets(request.Container.Spec.Linux!.TimeOffsets);
                flags &= ~CloneFlags.NewTime;
            }

            InitRequest staged = request with { IsStaged = true };
            using ClonedProcess init = ManagedClone.Run(new CloneRequest { Flags = flags }, () => ContainerInit.Run(staged));
            request.Channel.SendNumber(InitMessageKind.Pid, init.Pid, init.PidFd);
            return 0;
        });
    }

    // One write for all clocks (time_namespaces(7)).
    private static void WriteTimeOffsets(SpecMap<LinuxTimeOffset> offsets)
    {
        var lines = new StringBuilder();
        foreach ((string clock, LinuxTimeOffset offset) in offsets)
        {
            lines.Append(clock).Append(' ').Append(offset.Secs).Append(' ').Append(offset.Nanosecs).Append('\n');
        }

        if (lines.Length > 0)
        {
            SmallFile.Write("/proc/self/timens_offsets", lines.ToString());
        }
    }
}
