namespace Caisson.Bench;

/// <summary>What a container that sleeps costs while nothing happens, and what there is on the disk.</summary>
internal sealed class Memory : IBenchmark
{
    // From the issue that asks for the foundation, "Speed and memory"; a megabyte is a million bytes, the stricter reading.
    private const double SupervisorMegabytes = 12;
    private const double KeeperMegabytes = 3;
    private const double AgentMegabytes = 10;
    private const double ExecutableMegabytes = 8;
    private const double InitrdMegabytes = 10;

    public string Name => "memory";

    public string Title => "memory beside a container that sleeps (PSS; the agent's RSS), and sizes of files";

    public void Run(BenchContext context)
    {
        MeasureFiles(context);
        MeasureMachine(context);
        MeasureNamespaces(context);
    }

    private void MeasureFiles(BenchContext context)
    {
        Judge(context, "out/caisson", new FileInfo(context.Place.Caisson).Length / 1e6, ExecutableMegabytes);
        Judge(context, "initrd", new FileInfo(context.Place.Initrd).Length / 1e6, InitrdMegabytes);
    }

    private void MeasureMachine(BenchContext context)
    {
        // Without a pid namespace of its own a container sees its machine's processes, of which the agent is the first.
        var bundle = Bundle.Create(context.Place, "memory", "/bin/sleep", "100000");
        bundle.RemoveNamespace("pid");
        using RunningContainer container = RunningContainer.Start(context.Place, "vm", bundle);
        string sandbox = SandboxProcesses.SandboxOf(container.Id);
        double agent = AgentMemory(container);
        Judge(context, "keeper", ProcessMemory.Pss(container.Pid), KeeperMegabytes);
        foreach ((string role, int pid) in SandboxProcesses.Of(sandbox))
        {
            double pss = ProcessMemory.Pss(pid);
            if (role == "supervisor")
            {
                Judge(context, role, pss, SupervisorMegabytes);
            }
            else
            {
                context.Report.Add(Name, role, pss, "MB");
            }
        }

        Judge(context, "agent in the guest (RSS)", agent, AgentMegabytes);
    }

    private static double AgentMemory(RunningContainer container)
    {
        string status = container.Exec("/bin/cat", "/proc/1/status").Read();
        return status.StartsWith("Name:\tcaisson-agent", StringComparison.Ordinal) || status.StartsWith("Name:\tinit", StringComparison.Ordinal)
            ? ProcessMemory.Field(status, "VmRSS:")
            : throw new BenchException($"process 1 of the machine is not the agent: {status.Split('\n')[0]}");
    }

    private void MeasureNamespaces(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "memory-namespaces", "/bin/sleep", "100000");
        HashSet<int> before = [.. ProcessMemory.Running(context.Place.Caisson)];
        using RunningContainer container = RunningContainer.Start(context.Place, "namespaces", bundle);
        int left = ProcessMemory.Running(context.Place.Caisson).Count(pid => !before.Contains(pid));
        context.Report.Add(Name, "processes left in namespaces", left, "");
        context.Report.Judge("processes of ours beside a detached container in namespaces", left, 0);
    }

    private void Judge(BenchContext context, string what, double megabytes, double limit)
    {
        context.Report.Add(Name, what, megabytes, "MB");
        context.Report.Judge(what, megabytes, limit, "MB");
    }
}
