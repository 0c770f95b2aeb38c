using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>The processes that stand behind a container in a virtual machine, found among those that this process's commands started.</summary>
public static class MachineProcesses
{
    public const string Supervisor = "caisson supervisor";
    public const string Guardian = "caisson guardian";
    public const string Hypervisor = "/usr/bin/qemu-system-x86_64";
    public const string FileServer = "/usr/lib/qemu/virtiofsd";

    /// <summary>The oldest living one whose command line begins so, or null.</summary>
    public static int? TryFind(string beginning) => ProcessTable.Descendants(ProcessTable.Read())
        .Where(process => !process.IsZombie && ProcessTable.CommandLine(process.Pid).StartsWith(beginning, StringComparison.Ordinal))
        .OrderBy(process => process.StartTicks).ThenBy(process => process.Pid).Select(process => (int?)process.Pid).FirstOrDefault();

    /// <summary>Waits for one, other than those given.</summary>
    public static int Find(string beginning, params int[] others)
    {
        int? found = null;
        Deadline.Wait($"a process {beginning}", () => (found = TryFind(beginning)) is { } pid && !others.Contains(pid));
        return found!.Value;
    }

    public static void Signal(int pid, Signal signal)
    {
        if (PidFd.TryOpen(pid, out PidFd? process, out _))
        {
            process.TrySendSignal(signal, out _);
            process.Dispose();
        }
    }
}
