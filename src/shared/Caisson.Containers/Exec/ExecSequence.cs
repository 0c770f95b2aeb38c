using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>The steps of a process that is born in a running container.</summary>
internal static class ExecSequence
{
    /// <param name="request">What to run.</param>
    /// <param name="hostProc">The creator's procfs.</param>
    /// <param name="late">Namespaces that are still to be joined: none that anybody inside could profit from.</param>
    internal static int Run(ExecStageRequest request, DirectoryFd hostProc, NamespaceKinds late) => InitFailure.Guard(request.Channel, () =>
    {
        // Nobody inside gets a descriptor of a directory outside, not even by tracing us.
        request.CgroupDirectory?.Dispose();
        ExecStage.Join(request.Init, late);
        return RunSteps(request, hostProc);
    });

    private static int RunSteps(ExecStageRequest request, DirectoryFd hostProc)
    {
        ExecRequest exec = request.Exec;
        OciProcess process = exec.Process;
        Prctl.SetDumpable(false);
        SessionKeyring.Join(exec.Id, request.Channel.SendWarning);
        Terminal.StartSession();
        using PathFd root = PathFd.Open("/", OpenFlags.O_DIRECTORY);    // O_PATH: the share's server is not asked to open it
        UseStreams(exec, root);
        var setup = new ProcessSetup(process, root, request.Channel.SendWarning);
        setup.Limit();
        ProcessLimits.ApplyPersonality(exec.Spec.Linux?.Personality);
        MemoryPolicyStep.Apply(exec.Spec.Linux?.MemoryPolicy);
        using ProcessLabels labels = ProcessLabels.Prepare(process, hostProc);
        var seccomp = SeccompStep.Prepare(exec.Spec, process, request.Channel);
        seccomp.BeforeUser();
        Descriptors.CloseOnExecFrom(3 + exec.PreserveFds);
        setup.BecomeUser();
        if (exec.FinalStep is { } finalStep)
        {
            request.Channel.Dispose();
            return finalStep();
        }

        IReadOnlyList<string> environment = setup.Environment();
        string executable = ExecutableLookup.Find(process.Args[0], environment);
        using PreparedExec run = PreparedExec.OfPath(executable, process.Args, environment);
        seccomp.BeforeReady();
        labels.Apply();
        seccomp.BeforeExec();
        SignalState.ResetForExec();
        throw ContainerException.Because($"exec {executable}", run.Execute());
    }

    private static void UseStreams(ExecRequest exec, PathFd root)
    {
        if (!exec.Process.Terminal)
        {
            StandardIo.Use(exec.Streams);
            return;
        }

        using TerminalFd terminal = ContainerTerminal.Open(root, exec.Process, exec.ConsoleSocket, exec.RawTerminal);
        ContainerTerminal.Use(terminal);
    }
}
