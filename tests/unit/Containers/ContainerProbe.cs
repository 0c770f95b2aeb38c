using System.Runtime.CompilerServices;
using System.Text;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>
/// Makes containers in a process with a single managed thread: the test program executes itself, and goes off to here before any test
/// framework starts. It is what the command line is in the product.
/// </summary>
internal static class ContainerProbe
{
    private const string Variable = "CAISSON_CONTAINER_PROBE";
    private const int MaxOutputBytes = 16 * 1024 * 1024;

    internal static Outcome Start(string mode, TestBundle bundle)
    {
        File.WriteAllBytes(Path.Combine(bundle.Path, "config.json"), SpecWriter.Write(bundle.Spec));
        string program = Path.Combine(AppContext.BaseDirectory, "Caisson.UnitTests");
        using PipePair output = PipePair.Create();
        using FileFd none = FileCalls.Open("/dev/null", OpenFlags.O_RDONLY);
        using ClonedProcess child = new PreparedClone()
            .ResetSignals()
            .DuplicateTo(none, 0)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(output.Write, 2)
            .Execve(program, [program], Environment($"{mode}:{bundle.Id}:{bundle.Path}"))
            .Start();
        output.Write.Dispose();
        string text = Encoding.UTF8.GetString(output.Read.ReadToEnd(MaxOutputBytes));
        return new Outcome(child.PidFd.Wait().Code, text);
    }

#pragma warning disable CA2255 // The one place that runs before the test framework's threads.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (System.Environment.GetEnvironmentVariable(Variable) is { } order)
        {
            string[] parts = order.Split(':', 3);
            System.Environment.Exit(Run(parts[0], parts[1], parts[2]));
        }
    }

    private static int Run(string mode, string id, string bundle)
    {
        // Inside the container the assemblies' files are out of sight; NativeAOT has none.
        foreach (string assembly in (string[])["System.Linq", "System.Collections", "System.Memory", "System.Text.Json", "System.Runtime.InteropServices"])
        {
            _ = System.Reflection.Assembly.Load(assembly);
        }

        try
        {
            return mode switch
            {
                "run" => RunToEnd(Request(id, bundle)),
                "no-pivot" => RunToEnd(Request(id, bundle) with { NoPivot = true }),
                "create-start" => CreateAndStart(Request(id, bundle) with { ExecFifo = Path.Combine(bundle, "exec.fifo") }),
                "exec" => Exec(Request(id, bundle)),
                "terminal" => RunOnTerminal(Request(id, bundle)),
                _ => 100,
            };
        }
        catch (ContainerException refused)
        {
            Say(refused.Message);
            return 1;
        }
    }

    private static ContainerRequest Request(string id, string bundle) =>
        new() { Id = id, Bundle = bundle, Spec = SpecReader.ReadBundle(bundle), OnWarning = Say };

    private static int RunToEnd(ContainerRequest request)
    {
        using LaunchedContainer container = ContainerLauncher.Create(request);
        return Finish(container, container.Start);
    }

    private static int CreateAndStart(ContainerRequest request)
    {
        using LaunchedContainer container = ContainerLauncher.Create(request);
        container.Commit();
        Say("created");
        return Finish(container, () => ContainerStarter.Start(request.ExecFifo!, container.PidFd));
    }

    private static int Exec(ContainerRequest request)
    {
        using LaunchedContainer container = ContainerLauncher.Create(request);
        container.Start();
        try
        {
            using ContainerProcess process = ContainerExec.Start(new ExecRequest
            {
                Id = request.Id,
                Bundle = request.Bundle,
                Spec = request.Spec,
                Process = SpecReader.ReadProcess(Path.Combine(request.Bundle, "exec.json")),
                InitPid = container.Pid,
                Cgroup = container.Cgroup,
                OnWarning = Say,
            });
            return process.Wait().Code;
        }
        finally
        {
            container.Abort();
        }
    }

    private static int RunOnTerminal(ContainerRequest request)
    {
        (UnixSocket near, UnixSocket far) = UnixSocket.Pair();
        using (near)
        using (far)
        {
            using LaunchedContainer container = ContainerLauncher.Create(request with { ConsoleSocket = far });
            ReceivedMessage message = near.ReceiveMessage(new byte[256], maxDescriptors: 1);
            using FileFd master = message.Descriptors[0];
            return Finish(container, () =>
            {
                container.Start();
                CopyTerminal(master);
            });
        }
    }

    // A terminal whose last slave is closed answers EIO.
    private static void CopyTerminal(FileFd master)
    {
        byte[] buffer = new byte[4096];
        var screen = FileFd.FromNumber(1);
        while (master.TryRead(buffer, out int count, out _) && count > 0)
        {
            screen.WriteAll(buffer.AsSpan(0, count));
        }

        _ = screen.Release();
    }

    private static int Finish(LaunchedContainer container, Action start)
    {
        try
        {
            start();
            return container.Wait().Code;
        }
        finally
        {
            container.Abort();
        }
    }

    // Not Console: its threads would not survive the clone.
    private static void Say(string text)
    {
        var error = FileFd.FromNumber(2);
        error.WriteAll(text + "\n");
        _ = error.Release();
    }

    private static List<string> Environment(string order)
    {
        // CoreCLR's helper threads and double-mapped code do not survive a clone; NativeAOT, which the product is, has neither.
        List<string> environment =
            [$"{Variable}={order}", "DOTNET_EnableWriteXorExecute=0", "DOTNET_gcConcurrent=0", "DOTNET_TieredCompilation=0", "DOTNET_EnableDiagnostics=0"];
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
