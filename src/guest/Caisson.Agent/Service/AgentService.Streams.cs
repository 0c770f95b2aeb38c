using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

internal sealed partial class AgentService
{
    public async Task<WriteStreamResponse> WriteStdinAsync(WriteStreamRequest request, CancellationToken cancellationToken)
    {
        ulong? offset = request.HasOffset ? request.Offset : null;
        int taken = await Input(request.ContainerId, request.ExecId).WriteAsync(offset, request.Data.Memory, cancellationToken);
        return new WriteStreamResponse { Len = (uint)taken };
    }

    public Task<ReadStreamResponse> ReadStdoutAsync(ReadStreamRequest request, CancellationToken cancellationToken) =>
        ReadAsync(request.ContainerId.Length == 0 ? sandbox.Ports.Find(request.ExecId).Output : Process(request.ContainerId, request.ExecId).Stdout, request, cancellationToken);

    public Task<ReadStreamResponse> ReadStderrAsync(ReadStreamRequest request, CancellationToken cancellationToken) =>
        ReadAsync(Process(request.ContainerId, request.ExecId).Stderr, request, cancellationToken);

    public Task CloseStdinAsync(CloseStdinRequest request, CancellationToken cancellationToken) =>
        Input(request.ContainerId, request.ExecId).CloseAsync(cancellationToken);

    public Task TtyWinResizeAsync(TtyWinResizeRequest request, CancellationToken cancellationToken)
    {
        GuestProcess process = Process(request.ContainerId, request.ExecId);
        process.Resize(RequestFields.WindowSize(request.Row, request.Column));
        return Task.CompletedTask;
    }

    // What is no container's is a connection to a port.
    private InputFeed Input(string containerId, string execId) =>
        containerId.Length == 0 ? sandbox.Ports.Find(execId).Input : Process(containerId, execId).Stdin;

    private static async Task<ReadStreamResponse> ReadAsync(OutputBuffer stream, ReadStreamRequest request, CancellationToken cancellationToken)
    {
        FaultPoint.Hit(Fault.InRead);
        int length = (int)Math.Min(request.Len, OutputBuffer.MaxAnswerBytes);
        OutputPart part = await stream.ReadAsync(request.HasOffset ? request.Offset : null, length, cancellationToken);
        var response = new ReadStreamResponse { Data = UnsafeByteOperations.UnsafeWrap(part.Data), Offset = part.Offset, Eof = part.AtEnd };
        Falsify(response);
        return response;
    }

    // Implemented in builds with test faults only.
    static partial void Falsify(ReadStreamResponse response);

    static partial void Falsify(WaitProcessResponse response);
}
