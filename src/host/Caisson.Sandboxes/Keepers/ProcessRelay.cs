namespace Caisson.Sandboxes;

/// <summary>
/// Carries one process's streams, signals, terminal size and exit code between the guest and its keeper. It holds no bytes of its own:
/// output is asked from the guest only when the keeper has written what came before, so a slow reader slows the writer and nobody else.
/// </summary>
/// <param name="guest">The process.</param>
/// <param name="keeper">Its keeper.</param>
/// <param name="terminal">It has no standard error of its own.</param>
/// <param name="isExec">The guest is asked for everything at once first: a process that says little has ended by then.</param>
internal sealed class ProcessRelay(IGuestProcess guest, KeeperLink keeper, bool terminal, bool isExec)
{
    private const int SigKill = 9;

    /// <summary>Runs until the keeper has taken the exit code, or is gone.</summary>
    /// <param name="onExited">Called once, as soon as the exit code is known.</param>
    /// <param name="cancellationToken">Stops carrying and leaves both ends as they are (the supervisor lets go).</param>
    /// <returns>The exit code; when the keeper was lost first, that of the process that was killed for it.</returns>
    internal async Task<int> RunAsync(Action<int> onExited, CancellationToken cancellationToken)
    {
        using var streams = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reports = CarryReportsAsync(streams.Token);
        Task stdin = CarryInputAsync(streams.Token);
        Task<ProcessNews>? news = isExec
            ? guest.FollowAsync(keeper.Progress.StdoutWritten, keeper.Progress.StderrWritten, cancellationToken)
            : null;
        Task stdout = CarryOutputAsync(KeeperFrameType.Stdout, keeper.Progress.StdoutWritten, news, streams.Token);
        Task stderr = terminal ? Task.CompletedTask : CarryOutputAsync(KeeperFrameType.Stderr, keeper.Progress.StderrWritten, news, streams.Token);
        Task<int> exit = WaitAsync(news, cancellationToken);
        try
        {
            await EndOfProcessAsync(exit, stdout, stderr, cancellationToken);
            int code = await exit;
            onExited(code);
            await Task.WhenAll(stdout, stderr);
            await keeper.SendExitAsync(code, cancellationToken);
            return code;
        }
        catch (KeeperGoneException) when (exit.IsCompletedSuccessfully)
        {
            return exit.Result;
        }
        finally
        {
            await streams.CancelAsync();
            await Settled(reports, stdin, stdout, stderr);
        }
    }

    // The engine may kill the keeper outright; the process it stands for must not survive it. And a guest that garbles the output or
    // refuses it is not waited for: a process may take for ever to end.
    private async Task EndOfProcessAsync(Task<int> exit, Task stdout, Task stderr, CancellationToken cancellationToken)
    {
        List<Task> running = [exit, keeper.Gone, stdout, stderr];
        while (true)
        {
            Task ended = await Task.WhenAny(running);
            if (ended == keeper.Gone)
            {
                await guest.SignalAsync(SigKill, cancellationToken);
                return;
            }

            if (ended == exit)
            {
                return;
            }

            if (ended.Exception?.InnerException is SandboxException)
            {
                await ended;
            }

            running.Remove(ended);
        }
    }

    private async Task<int> WaitAsync(Task<ProcessNews>? news, CancellationToken cancellationToken) =>
        news is not null && (await news).ExitCode is { } code ? code : await guest.WaitAsync(cancellationToken);

    // The first piece may have come with other news; from there on each stream has its own pace.
    private async Task CarryOutputAsync(KeeperFrameType stream, ulong offset, Task<ProcessNews>? news, CancellationToken cancellationToken)
    {
        bool isOutput = stream == KeeperFrameType.Stdout;
        while (true)
        {
            OutputChunk chunk;
            if (news is not null)
            {
                ProcessNews first = await news.WaitAsync(cancellationToken);
                chunk = isOutput ? first.Stdout : first.Stderr;
                news = null;
            }
            else
            {
                chunk = isOutput ? await guest.ReadStdoutAsync(offset, cancellationToken) : await guest.ReadStderrAsync(offset, cancellationToken);
            }

            if (chunk.Data.Length > 0)
            {
                await keeper.WriteOutputAsync(stream, offset, chunk.Data, cancellationToken);
                offset += (ulong)chunk.Data.Length;
            }

            if (chunk.AtEnd)
            {
                return;
            }
        }
    }

    private async Task CarryReportsAsync(CancellationToken cancellationToken)
    {
        await foreach (KeeperReport report in keeper.Reports.ReadAllAsync(cancellationToken))
        {
            if (report.Type == KeeperFrameType.Signal)
            {
                await guest.SignalAsync((int)report.Value, cancellationToken);
            }
            else
            {
                await guest.ResizeAsync((int)(report.Value >> 16) & 0xffff, (int)report.Value & 0xffff, cancellationToken);
            }
        }
    }

    private async Task CarryInputAsync(CancellationToken cancellationToken)
    {
        await foreach (KeeperReport report in keeper.Input.ReadAllAsync(cancellationToken))
        {
            if (report.Type == KeeperFrameType.StdinClosed)
            {
                await guest.CloseStdinAsync(cancellationToken);
                return;
            }

            await GiveInputAsync(report.Value, report.Data, cancellationToken);
        }
    }

    private async Task GiveInputAsync(ulong offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (data.Length > 0)
        {
            int taken = await guest.WriteStdinAsync(offset, data, cancellationToken);
            data = data[taken..];
            offset += (ulong)taken;
            await keeper.SendStdinTakenAsync(offset, cancellationToken);
        }
    }

    // Cancelled or broken streams have nothing more to say; what mattered was reported by the exit path.
    private static async Task Settled(params Task[] tasks)
    {
        foreach (Task task in tasks)
        {
            await task.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
        }
    }
}
