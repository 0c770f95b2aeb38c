using System.Collections.Concurrent;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Keepers;

/// <summary>A guest's process whose output, appetite and end a test decides.</summary>
internal sealed class ScriptedGuest : IGuestProcess
{
    private readonly byte[] _stdout;
    private readonly TaskCompletionSource<int> _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte> _stdin = [];

    internal ScriptedGuest(byte[] stdout) => _stdout = stdout;

    internal ConcurrentQueue<int> Signals { get; } = new();

    internal ConcurrentQueue<(int Rows, int Columns)> Sizes { get; } = new();

    internal TaskCompletionSource StdinClosed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ulong HighestOffsetRead { get; private set; }

    /// <summary>While set, the process does not read its input.</summary>
    internal Task InputBlocked { get; set; } = Task.CompletedTask;

    /// <summary>What reading the output fails with.</summary>
    internal Exception? StdoutFailure { get; init; }

    internal byte[] Stdin => [.. _stdin];

    internal void Exit(int code) => _exit.TrySetResult(code);

    public Task<OutputChunk> ReadStdoutAsync(ulong offset, CancellationToken cancellationToken)
    {
        if (StdoutFailure is { } failure)
        {
            return Task.FromException<OutputChunk>(failure);
        }

        HighestOffsetRead = Math.Max(HighestOffsetRead, offset);
        int length = Math.Min(4096, _stdout.Length - (int)offset);
        return Task.FromResult(new OutputChunk(_stdout.AsMemory((int)offset, length), (int)offset + length == _stdout.Length));
    }

    public Task<OutputChunk> ReadStderrAsync(ulong offset, CancellationToken cancellationToken) =>
        Task.FromResult(new OutputChunk(default, AtEnd: true));

    /// <summary>How often the exit code was asked for by itself.</summary>
    internal int Waits { get; private set; }

    public async Task<ProcessNews> FollowAsync(ulong stdoutOffset, ulong stderrOffset, CancellationToken cancellationToken)
    {
        OutputChunk output = await ReadStdoutAsync(stdoutOffset, cancellationToken);
        var error = new OutputChunk(default, AtEnd: true);
        return output.Data.Length == 0 || _exit.Task.IsCompleted && output.AtEnd
            ? new ProcessNews(output, error, await _exit.Task.WaitAsync(cancellationToken))
            : new ProcessNews(output with { AtEnd = false }, error, ExitCode: null);
    }

    public async Task<int> WriteStdinAsync(ulong offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await InputBlocked.WaitAsync(cancellationToken);
        Assert.True(offset <= (ulong)_stdin.Count, "input with a hole");
        int known = (int)Math.Min((ulong)_stdin.Count - offset, (ulong)data.Length);
        int taken = Math.Min(data.Length, known + 1000);      // takes less than offered, as a pipe may
        _stdin.AddRange(data.Span[known..taken]);
        return taken;
    }

    public Task CloseStdinAsync(CancellationToken cancellationToken)
    {
        StdinClosed.TrySetResult();
        return Task.CompletedTask;
    }

    public Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        Waits++;
        return _exit.Task.WaitAsync(cancellationToken);
    }

    public Task SignalAsync(int signal, CancellationToken cancellationToken)
    {
        Signals.Enqueue(signal);
        if (signal == 9)
        {
            Exit(137);
        }

        return Task.CompletedTask;
    }

    public Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken)
    {
        Sizes.Enqueue((rows, columns));
        return Task.CompletedTask;
    }

    public Task AcknowledgeExitAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
