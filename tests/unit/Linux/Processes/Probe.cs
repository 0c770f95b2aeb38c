using System.Runtime.CompilerServices;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>
/// Code that needs a process with a single managed thread: this test program executes itself, and before any test framework starts,
/// the named probe runs on the main thread and its result becomes the exit code.
/// </summary>
internal static class Probe
{
    private const string Variable = "CAISSON_PROBE";

    internal static int Run(string name)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Caisson.UnitTests");
        using ClonedProcess child = new PreparedClone().ResetSignals().Execve(program, [program], Environment(name)).Start();
        if (Poller.Wait(child.PidFd, PollEvents.In, TimeSpan.FromSeconds(60)) == PollEvents.None)
        {
            child.PidFd.SendSignal(9);
        }

        return child.PidFd.Wait().Code;
    }

#pragma warning disable CA2255 // The one place that runs before the test framework's threads.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (System.Environment.GetEnvironmentVariable(Variable) is { } name)
        {
            System.Environment.Exit(ManagedCloneProbes.Run(name));
        }
    }

    private static List<string> Environment(string name)
    {
        // CoreCLR's double-mapped code is not inherited by a fork (MADV_DONTFORK), and its helper threads are not either; NativeAOT has neither.
        List<string> environment = [$"{Variable}={name}", "DOTNET_EnableWriteXorExecute=0", "DOTNET_gcConcurrent=0", "DOTNET_TieredCompilation=0", "DOTNET_EnableDiagnostics=0"];
        foreach (string inherited in (string[])["PATH", "HOME", "DOTNET_ROOT"])
        {
            if (System.Environment.GetEnvironmentVariable(inherited) is { } value)
            {
                environment.Add($"{inherited}={value}");
            }
        }

        return environment;
    }
}
