using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>
/// The mount namespace in which everything is measured. crun does not run where cgroup v1 and v2 are both mounted, so that v2 is
/// unmounted here, for all alike; and a mount that a killed runtime leaves behind is gone with the namespace.
/// </summary>
internal static class PrivateMounts
{
    private const string InsideVariable = "CAISSON_BENCH_INSIDE";

    internal static bool IsInside => Environment.GetEnvironmentVariable(InsideVariable) is not null;

    /// <summary>Runs this program again, inside, and returns its exit code.</summary>
    internal static int RunInside(string[] words)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new BenchException("containers are started as root: sudo ./dev bench");
        }

        string[] self = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
            ? [path]
            : [Environment.ProcessPath!, typeof(PrivateMounts).Assembly.Location];
        List<string> environment = [.. ChildCommand.Environment(), $"{InsideVariable}=1"];
        using ClonedProcess child = new PreparedClone()
            .Unshare(CloneFlags.NewNs)
            .Execve(self[0], [.. self, .. words], environment)
            .Start();

        // The one inside cleans up, and this one waits for it.
        using var interruption = new Interruption(signal => child.PidFd.TrySendSignal(signal, out _));
        return child.PidFd.Wait().Code;
    }

    internal static void HideUnifiedCgroup()
    {
        MountCalls.SetPropagation("/", MountPropagation.Private, recursive: true);
        CgroupLayout layout = CgroupLayout.Discover();
        if (layout.Mode == CgroupMode.Unified)
        {
            return;
        }

        foreach (CgroupHierarchy hierarchy in layout.Hierarchies)
        {
            if (hierarchy.IsV2)
            {
                MountCalls.Unmount(hierarchy.MountPoint, UnmountFlags.MNT_DETACH);
            }
        }
    }
}
