using System.Text;
using Caisson.Oci;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.IntegrationTests.Agent;

/// <summary>A container in the machine, as the host's supervisor drives it.</summary>
internal sealed class TestContainer(AgentVm vm, string id, string rootfs) : IAsyncDisposable
{
    private int _execs;

    internal string Id => id;

    /// <summary>The root file system on the host.</summary>
    internal string Rootfs => rootfs;

    private AgentClient Agent => vm.Client;

    internal Task StartAsync() => Agent.StartContainerAsync(new StartContainerRequest { ContainerId = id });

    internal async Task<string> ExecAsync(OciProcess process)
    {
        string execId = $"exec-{Interlocked.Increment(ref _execs)}";
        await Agent.ExecProcessAsync(new ExecProcessRequest { ContainerId = id, ExecId = execId, ProcessJson = ByteString.CopyFrom(SpecWriter.Write(process)) });
        return execId;
    }

    internal Task<string> ExecAsync(string command) => ExecAsync(TestSpec.Shell(command));

    internal async Task<int> WaitAsync(string? execId = null) =>
        (await Agent.WaitProcessAsync(new WaitProcessRequest { ContainerId = id, ExecId = execId ?? id })).Status;

    internal Task SignalAsync(int signal, string? execId = null) =>
        Agent.SignalProcessAsync(new SignalProcessRequest { ContainerId = id, ExecId = execId ?? id, Signal = (uint)signal });

    internal Task<ReadStreamResponse> ReadAsync(ulong offset, string? execId = null, bool error = false, CancellationToken cancellationToken = default)
    {
        var request = new ReadStreamRequest { ContainerId = id, ExecId = execId ?? id, Len = 128 * 1024, Offset = offset, HasOffset = true };
        return error ? Agent.ReadStderrAsync(request, cancellationToken) : Agent.ReadStdoutAsync(request, cancellationToken);
    }

    internal Task<FollowExecResponse> FollowAsync(string execId, ulong stdoutOffset = 0, ulong stderrOffset = 0) => Agent.FollowExecAsync(new FollowExecRequest
    {
        ContainerId = id,
        ExecId = execId,
        StdoutOffset = stdoutOffset,
        StderrOffset = stderrOffset,
        Len = 128 * 1024,
    });

    /// <summary>All output from an offset to its end.</summary>
    internal async Task<string> ReadToEndAsync(string? execId = null, bool error = false, ulong offset = 0)
    {
        var text = new StringBuilder();
        await foreach (ReadOnlyMemory<byte> part in ReadAllAsync(execId, error, offset))
        {
            text.Append(Encoding.UTF8.GetString(part.Span));
        }

        return text.ToString();
    }

    internal async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync(string? execId = null, bool error = false, ulong offset = 0)
    {
        while (true)
        {
            ReadStreamResponse part = await ReadAsync(offset, execId, error);
            Assert.Equal(offset, part.Offset);
            offset += (ulong)part.Data.Length;
            yield return part.Data.Memory;
            if (part.Eof)
            {
                yield break;
            }
        }
    }

    /// <summary>Reads until the output holds a text.</summary>
    internal async Task<string> ReadUntilAsync(string wanted, string? execId = null)
    {
        string text = "";
        ulong offset = 0;
        while (!text.Contains(wanted, StringComparison.Ordinal))
        {
            ReadStreamResponse part = await ReadAsync(offset, execId);
            offset += (ulong)part.Data.Length;
            text += part.Data.ToStringUtf8();
            Assert.False(part.Eof && !text.Contains(wanted, StringComparison.Ordinal), $"\"{wanted}\" did not come; there was: {text}");
        }

        return text;
    }

    internal async Task WriteAsync(ulong offset, ReadOnlyMemory<byte> data, string? execId = null)
    {
        while (data.Length > 0)
        {
            WriteStreamResponse response = await WriteOnceAsync(offset, data, execId);
            Assert.InRange((int)response.Len, 1, data.Length);
            offset += response.Len;
            data = data[(int)response.Len..];
        }
    }

    internal Task<WriteStreamResponse> WriteOnceAsync(ulong offset, ReadOnlyMemory<byte> data, string? execId = null) =>
        Agent.WriteStdinAsync(new WriteStreamRequest { ContainerId = id, ExecId = execId ?? id, Data = ByteString.CopyFrom(data.Span), Offset = offset, HasOffset = true });

    internal Task CloseStdinAsync(string? execId = null) => Agent.CloseStdinAsync(new CloseStdinRequest { ContainerId = id, ExecId = execId ?? id });

    /// <summary>A command's output and exit code; the exec is forgotten.</summary>
    internal async Task<(int Code, string Output)> RunAsync(string command)
    {
        string execId = await ExecAsync(command);
        string output = await ReadToEndAsync(execId);
        int code = await WaitAsync(execId);
        await Agent.AcknowledgeExitAsync(new AcknowledgeExitRequest { ContainerId = id, ExecId = execId });
        return (code, output);
    }

    public async ValueTask DisposeAsync() => await Agent.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = id, Timeout = 30 });
}
