using System.Diagnostics;
using Caisson.Linux;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>PID 1: boots, answers, and never returns.</summary>
internal static class AgentProgram
{
    /// <summary>The hidden verb of Caisson.Containers.</summary>
    internal const string InitVerb = "init";

    // Operations that block (a container's creation, waiting for a freezer) have threads of their own; this is for continuations that
    // meet a slow file system. The default of one per CPU would make each wait for half a second.
    private const int MinPoolThreads = 4;

    private const int BusError = 1;

    internal static int Run()
    {
        if (Environment.ProcessId != 1)
        {
            ConsoleLog.Write("caisson-agent is the first process of a virtual machine; it does nothing elsewhere");
            return BusError;
        }

        try
        {
            Serve();
            ConsoleLog.Write("the host's port has ended");
        }
        catch (Exception fatal)
        {
            // PID 1 must not exit: the kernel would panic and say less.
            ConsoleLog.Write($"fatal: {fatal}");
        }

        GuestPower.Off();
        return 0;
    }

    private static void Serve()
    {
        long start = Stopwatch.GetTimestamp();
        RootFileSystem.LeaveRamdisk();
        EarlyMounts.MountAll();
        BootOptions options = BootOptions.Read();
        ConsoleLog.IsVerbose = options.Verbose;
        FaultPoint.Arm(options.Fault);
        FaultPoint.Hit(Fault.AfterMounts);
        using UeventListener events = UeventListener.Open();
        ModuleGroups modules = ModuleGroups.Read();
        modules.Load(options.UsesVsock ? "vsock" : "core");
        GuestEnvironment.Prepare();
        ThreadPool.SetMinThreads(MinPoolThreads, MinPoolThreads);

        var sandbox = new GuestSandbox(modules);
        var server = new TtrpcServer();
        server.Register((IAgentHealth)new HealthService(sandbox));
        server.Register((IAgentService)new AgentService(sandbox));
        server.Register((IAgentExtensions)new ExtensionsService(sandbox));
        FaultPoint.Hit(Fault.BeforeServe);
        ConsoleLog.Detail($"ready {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms after its start");
        HostChannel.ServeAsync(server, options, events).GetAwaiter().GetResult();
    }
}
