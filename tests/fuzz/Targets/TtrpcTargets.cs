using Caisson.Protocol;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.Fuzz;

/// <summary>Sound frames to begin with.</summary>
internal static class TtrpcSeeds
{
    internal static byte[] Request(string service, string method, IMessage payload, uint stream = 1) =>
        Frame(FrameType.Request, stream, new OutgoingRequest(service, method, payload, 5_000_000_000, [new("k", "v")]));

    internal static byte[] Response(IMessage payload, uint stream = 1) => Frame(FrameType.Response, stream, new OutgoingResponse(payload));

    internal static byte[] Failure(TtrpcCode code, string text, uint stream = 1) => Frame(FrameType.Response, stream, new OutgoingResponse(code, text));

    private static byte[] Frame(FrameType type, uint stream, IFramePayload payload)
    {
        byte[] frame = new byte[FrameHeader.Bytes + payload.Measure()];
        new FrameHeader(frame.Length - FrameHeader.Bytes, stream, type, FrameFlags.None).Write(frame);
        payload.Write(frame.AsSpan(FrameHeader.Bytes));
        return frame;
    }
}

/// <summary>The cutting of bytes into frames, and both envelopes.</summary>
internal sealed class TtrpcFrameTarget : IFuzzTarget
{
    public string Name => "ttrpc-frames";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        TtrpcSeeds.Request("grpc.Health", "Check", new StringValue { Value = "x" }),
        [.. TtrpcSeeds.Request("s", "m", new Empty()), .. TtrpcSeeds.Request("s", "m", new Empty(), 3)],
        TtrpcSeeds.Response(new StringValue { Value = "answer" }),
        TtrpcSeeds.Failure(TtrpcCode.NotFound, "no such container"),
    ];

    public void Run(byte[] input)
    {
        try
        {
            var reader = new FrameReader(new MemoryStream(input));
            while (Patience.Finish(reader.ReadAsync(CancellationToken.None).AsTask()) is { } frame)
            {
                Open(frame);
                frame.Return();
            }
        }
        catch (ProtocolException)
        {
            // The connection would end.
        }
    }

    private static void Open(in Frame frame)
    {
        try
        {
            RequestEnvelope request = RequestEnvelope.Parse(frame.Payload);
            BrokenPromiseException.Require(request.Service.Length <= RequestEnvelope.MaxNameBytes, "a service name above the limit");
            _ = TtrpcTime.FromNanoseconds(request.TimeoutNano);
        }
        catch (ProtocolException)
        {
            // As above.
        }

        try
        {
            ResponseEnvelope response = ResponseEnvelope.Parse(frame.Payload);
            BrokenPromiseException.Require(response.Message.Length <= ResponseEnvelope.MaxTextBytes, "a text above the limit");
        }
        catch (ProtocolException)
        {
            // As above.
        }
    }
}

/// <summary>A whole connection to a server: whatever comes, it ends when the other side does, and no handler is left.</summary>
internal sealed class TtrpcServerTarget : IFuzzTarget
{
    private int _running;

    public string Name => "ttrpc-server";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        TtrpcSeeds.Request("t.T", "Echo", new StringValue { Value = "x" }),
        [.. TtrpcSeeds.Request("t.T", "Fail", new StringValue()), .. TtrpcSeeds.Request("t.T", "Echo", new StringValue(), 3), .. TtrpcSeeds.Request("t.T", "Wait", new StringValue(), 5)],
    ];

    public IEnumerable<string> Words => ["t.T", "Echo", "Fail", "Wait"];

    public void Run(byte[] input)
    {
        var server = new TtrpcServer();
        server.Register("t.T", "Echo", StringValue.Parser, (request, _) => Count(() => Task.FromResult(request)));
        server.Register<StringValue, StringValue>("t.T", "Fail", StringValue.Parser, (_, _) => Count<StringValue>(() => throw new TtrpcException(TtrpcCode.NotFound, "no")));
        server.Register("t.T", "Wait", StringValue.Parser, (request, context) => Count(async () =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            return request;
        }));
        try
        {
            Patience.Finish(server.ServeAsync(new ReplayStream(input)));
        }
        catch (ProtocolException)
        {
            // Says how the other side broke the protocol.
        }

        BrokenPromiseException.Require(Volatile.Read(ref _running) == 0, "a handler runs on after the connection has ended");
        Patience.Finish(server.DisposeAsync().AsTask());
    }

    private async Task<T> Count<T>(Func<Task<T>> work)
    {
        Interlocked.Increment(ref _running);
        try
        {
            return await work();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}

/// <summary>What an agent, which may be captured, answers to the host: at the host's client, and in what the host makes of the answers.</summary>
internal sealed class AgentAnswerTarget : IFuzzTarget
{
    public string Name => "agent-answers";

    public IShape Shape { get; } = new ProtoShape(head: 10);

    public IEnumerable<byte[]> Seeds =>
    [
        TtrpcSeeds.Response(Stats()),
        TtrpcSeeds.Response(new ReadStreamResponse { Data = ByteString.CopyFromUtf8("out"), Offset = 5, Eof = true }),
        TtrpcSeeds.Response(new ListProcessesResponse { ProcessList = ByteString.CopyFromUtf8("UID PID\nroot 1\n") }),
        TtrpcSeeds.Response(new VersionCheckResponse { AgentVersion = "0.1.0", GrpcVersion = "6.1.0" }),
        TtrpcSeeds.Response(new ListContainersResponse()),
        TtrpcSeeds.Failure(TtrpcCode.Unavailable, "gone"),
    ];

    public IEnumerable<string> Words => ["\u001b]0;x\u0007", "\r\n", "\u0000", "UID", "Read", "Write"];

    public void Run(byte[] input)
    {
        Ask(input, static client => client.StatsContainerAsync(new StatsContainerRequest()), static answer => Show(answer));
        Ask(input, static client => client.ReadStdoutAsync(new ReadStreamRequest()), static _ => { });
        Ask(input, static client => client.VersionAsync(new CheckRequest()), static _ => { });
        Ask(input, static client => client.ListProcessesAsync(new ListProcessesRequest()), static answer => ShowTable(answer));
        Ask(input, static client => client.ListContainersAsync(new ListContainersRequest()), static _ => { });
    }

    private static void Ask<T>(byte[] input, Func<AgentClient, Task<T>> call, Action<T> use)
    {
        var client = new AgentClient(new TtrpcClient(new ReplayStream(input), "agent"));
        try
        {
            use(Patience.Finish(call(client)));
        }
        catch (TtrpcException)
        {
            // The only thing that a caller sees.
        }
        finally
        {
            BrokenPromiseException.Require(Patience.Finish(client.Closed).Length > 0, "the connection ended without a reason");
            Patience.Finish(client.DisposeAsync().AsTask());
        }
    }

    private static void Show(StatsContainerResponse answer)
    {
        byte[] line = UsageText.Of("id", new Sandboxes.ContainerUsage(Sandboxes.GuestStats.From(answer)));
        using var json = System.Text.Json.JsonDocument.Parse(line);
    }

    private static void ShowTable(ListProcessesResponse answer)
    {
        foreach (string line in Sandboxes.GuestText.Lines(answer.ProcessList.Span))
        {
            BrokenPromiseException.Require(!line.Any(char.IsControl), $"control characters reach the user's terminal: {Uri.EscapeDataString(line)}");
        }
    }

    private static StatsContainerResponse Stats() => new()
    {
        CgroupStats = new CgroupStats
        {
            CpuStats = new CpuStats { CpuUsage = new CpuUsage { TotalUsage = 5, PercpuUsage = { 1, 2 } }, ThrottlingData = new ThrottlingData { Periods = 1 } },
            MemoryStats = new MemoryStats { Cache = 7, Usage = new MemoryData { Usage = 1, Limit = ulong.MaxValue }, Stats = { ["rss"] = 5 } },
            PidsStats = new PidsStats { Current = 1, Limit = 2 },
            BlkioStats = new BlkioStats { IoServiceBytesRecursive = { new BlkioStatsEntry { Major = 8, Op = "Read", Value = 4096 } } },
        },
    };
}
