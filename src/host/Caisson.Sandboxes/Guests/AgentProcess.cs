using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>One process behind an agent. Reads and writes carry offsets (extension fields), so a broken connection is repeated over.</summary>
internal sealed class AgentProcess(AgentGuest guest, AgentLink link, string containerId, string execId) : IGuestProcess
{
    // What one answer may hold: the keeper's largest frame, far below ttrpc's 4 MiB.
    private const uint ChunkBytes = KeeperFrame.MaxPayload;

    // waitpid(2): eight bits; a signal's is 128 plus at most 64.
    private const int MaxExitCode = 255;

    // Kata's convention: a container's init has the container's id.
    private readonly string _execId = execId.Length == 0 ? containerId : execId;

    public Task<OutputChunk> ReadStdoutAsync(ulong offset, CancellationToken cancellationToken) =>
        ReadAsync(offset, static (agent, request, stop) => agent.ReadStdoutAsync(request, stop), cancellationToken);

    public Task<OutputChunk> ReadStderrAsync(ulong offset, CancellationToken cancellationToken) =>
        ReadAsync(offset, static (agent, request, stop) => agent.ReadStderrAsync(request, stop), cancellationToken);

    public async Task<ProcessNews> FollowAsync(ulong stdoutOffset, ulong stderrOffset, CancellationToken cancellationToken)
    {
        var request = new FollowExecRequest
        {
            ContainerId = containerId,
            ExecId = _execId,
            StdoutOffset = stdoutOffset,
            StderrOffset = stderrOffset,
            Len = ChunkBytes,
        };
        FollowExecResponse news = await link.RepeatAsync("output", (agent, stop) => agent.FollowExecAsync(request, stop), cancellationToken);
        if (news.Stdout.Length > ChunkBytes || news.Stderr.Length > ChunkBytes)
        {
            throw new GuestException($"output: the agent sent {news.Stdout.Length} and {news.Stderr.Length} bytes; at most {ChunkBytes} each were asked for");
        }

        // The guest lies: an exit before the outputs' ends is taken when it is asked for.
        return new ProcessNews(
            new OutputChunk(news.Stdout.Memory, news.StdoutEof),
            new OutputChunk(news.Stderr.Memory, news.StderrEof),
            news.Exited && news.StdoutEof && news.StderrEof ? news.ExitStatus & 0xff : null);
    }

    public async Task<int> WriteStdinAsync(ulong offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var request = new WriteStreamRequest
        {
            ContainerId = containerId,
            ExecId = _execId,
            Data = ByteString.CopyFrom(data.Span),
            Offset = offset,
            HasOffset = true,
        };
        WriteStreamResponse response = await link.RepeatAsync("stdin", (agent, stop) => agent.WriteStdinAsync(request, stop), cancellationToken);

        // The guest lies: never more than was sent, and no progress is the end of the stream.
        return response.Len > 0 && response.Len <= data.Length
            ? (int)response.Len
            : throw link.Distrust("stdin", $"the agent took {response.Len} of {data.Length} bytes");
    }

    public Task CloseStdinAsync(CancellationToken cancellationToken) => DoAsync(
        "close stdin",
        (agent, stop) => agent.CloseStdinAsync(new CloseStdinRequest { ContainerId = containerId, ExecId = _execId }, stop),
        cancellationToken);

    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        var request = new WaitProcessRequest { ContainerId = containerId, ExecId = _execId };
        WaitProcessResponse exit = await link.RepeatAsync("wait", (agent, stop) => agent.WaitProcessAsync(request, stop), cancellationToken);
        if (execId.Length == 0)
        {
            // What the container wrote is in the host's files before anybody hears that it stopped.
            await guest.SyncAsync(cancellationToken);
        }

        return exit.Status is >= 0 and <= MaxExitCode
            ? exit.Status
            : throw link.Distrust("wait", $"the agent said exit code {exit.Status}; there are 0 to {MaxExitCode}");
    }

    public Task SignalAsync(int signal, CancellationToken cancellationToken) =>
        guest.SignalAsync(containerId, execId, signal, all: false, cancellationToken);

    public Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken) => DoAsync(
        "resize",
        (agent, stop) => agent.TtyWinResizeAsync(
            new TtyWinResizeRequest { ContainerId = containerId, ExecId = _execId, Row = (uint)rows, Column = (uint)columns }, stop),
        cancellationToken);

    public Task AcknowledgeExitAsync(CancellationToken cancellationToken) => DoAsync(
        "acknowledge exit",
        (agent, stop) => agent.AcknowledgeExitAsync(new AcknowledgeExitRequest { ContainerId = containerId, ExecId = _execId }, stop),
        cancellationToken);

    private async Task<OutputChunk> ReadAsync(
        ulong offset, Func<AgentClient, ReadStreamRequest, CancellationToken, Task<ReadStreamResponse>> read, CancellationToken cancellationToken)
    {
        var request = new ReadStreamRequest { ContainerId = containerId, ExecId = _execId, Len = ChunkBytes, Offset = offset, HasOffset = true };
        ReadStreamResponse response = await link.RepeatAsync("output", (agent, stop) => read(agent, request, stop), cancellationToken);
        if (response.Data.Length > ChunkBytes || response.Offset != offset)
        {
            throw link.Distrust("output", $"the agent sent {response.Data.Length} bytes at {response.Offset}; at most {ChunkBytes} at {offset} were asked for");
        }

        if (response.Data.IsEmpty && !response.Eof)
        {
            throw link.Distrust("output", $"the agent sent neither bytes nor the end at {offset}");
        }

        return new OutputChunk(response.Data.Memory, response.Eof);
    }

    // A process that has gone makes these pointless, not wrong.
    private async Task DoAsync(string operation, Func<AgentClient, CancellationToken, Task> call, CancellationToken cancellationToken)
    {
        try
        {
            await link.DoAsync(operation, call, cancellationToken);
        }
        catch (GuestException)
        {
            // The agent does not know it any more.
        }
    }
}
