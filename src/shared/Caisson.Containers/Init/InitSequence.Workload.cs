using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

internal sealed partial class InitSequence
{
    private const int FailedExitCode = 1;

    private int RunWorkload(DirectoryFd hostProc, TerminalFd? terminal)
    {
        OciProcess process = _spec.Process ?? throw new ContainerException("config.json: process is missing", Errno.EINVAL);
        using PathFd root = PathFd.Open("/", OpenFlags.O_DIRECTORY);    // O_PATH: the share's server is not asked to open it
        var setup = new ProcessSetup(process, root, _channel.SendWarning);
        UseStreams(terminal);
        setup.Limit();
        ProcessLimits.ApplyPersonality(_spec.Linux?.Personality);
        MemoryPolicyStep.Apply(_spec.Linux?.MemoryPolicy);
        using ProcessLabels labels = ProcessLabels.Prepare(process, hostProc);
        var seccomp = SeccompStep.Prepare(_spec, process, _channel);
        seccomp.BeforeUser();
        Descriptors.CloseOnExecFrom(3 + _request.Container.PreserveFds);
        setup.BecomeUser();
        DieWithCreator();    // cleared by the change of user
        if (_request.Container.FinalStep is { } finalStep)
        {
            return RunInstead(finalStep);
        }

        IReadOnlyList<string> environment = setup.Environment();
        string executable = ExecutableLookup.Find(process.Args.Count > 0 ? process.Args[0] : "", environment);
        using PreparedExec exec = PreparedExec.OfPath(executable, process.Args, environment);
        seccomp.BeforeReady();
        AwaitStart(hostProc, labels, out FileFd? starter);
        try
        {
            RunStartHooks();
            labels.Apply();
            seccomp.BeforeExec();
            SignalState.ResetForExec();
            throw ContainerException.Because($"exec {executable}", exec.Execute());
        }
        catch (ContainerException failure) when (starter is not null)
        {
            ExecFifo.Report(starter, failure.Message);
            return FailedExitCode;
        }
    }

    private void UseStreams(TerminalFd? terminal)
    {
        if (terminal is null)
        {
            StandardIo.Use(_request.Container.Streams);
        }
        else
        {
            ContainerTerminal.Use(terminal);
        }
    }

    // Ready, committed, started: the creator may end after the second, and with a fifo somebody else does the third.
    private void AwaitStart(DirectoryFd hostProc, ProcessLabels labels, out FileFd? starter)
    {
        _channel.Send(InitMessageKind.Ready);
        _channel.Expect(InitMessageKind.Commit);
        Prctl.SetParentDeathSignal(Signal.None);
        _channel.Send(InitMessageKind.Committed);
        if (_request.Fifo is null)
        {
            _channel.Expect(InitMessageKind.Start);
            starter = null;
            return;
        }

        // The wait may be long: the engine's sockets and pipes that we inherited would never see their end.
        Descriptors.CloseFromExcept(3 + _request.Container.PreserveFds, [_request.Fifo, hostProc, .. labels.Open]);
        starter = ExecFifo.Await(_request.Fifo, hostProc);
    }

    // What runs instead of a workload keeps this process; the end of the conversation tells the creator that it runs.
    private int RunInstead(Func<int> finalStep)
    {
        _channel.Send(InitMessageKind.Ready);
        _channel.Expect(InitMessageKind.Commit);
        Prctl.SetParentDeathSignal(Signal.None);
        _channel.Send(InitMessageKind.Committed);
        _channel.Expect(InitMessageKind.Start);
        _channel.Dispose();
        return finalStep();
    }
}
