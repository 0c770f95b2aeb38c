using System.Buffers.Binary;
using System.Net.Sockets;
using Caisson.Linux;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.UnitTests.Ttrpc;

public sealed class TtrpcClientServerTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Many_calls_share_one_connection_and_get_their_own_answers()
    {
        await using var server = new TtrpcServer();
        server.Register("test.Echo", "Say", StringValue.Parser, async (request, context) =>
        {
            await Task.Yield();
            return new StringValue { Value = request.Value + "!" };
        });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using (var client = new TtrpcClient(left, "test"))
        {
            StringValue[] answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(n =>
                client.CallAsync("test.Echo", "Say", new StringValue { Value = $"{n}" }, StringValue.Parser, s_patience)));
            Assert.Equal(Enumerable.Range(0, 300).Select(n => $"{n}!"), answers.Select(a => a.Value));
        }

        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task What_follows_an_answer_runs_when_the_answer_has_been_written()
    {
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        var arrived = new TaskCompletionSource<int>();
        await using var server = new TtrpcServer();
        server.Register("s", "End", Empty.Parser, (_, context) =>
        {
            context.WhenAnswered(() =>
            {
                arrived.SetResult(left.Socket.Available);
                return Task.CompletedTask;
            });
            return Task.FromResult(new StringValue { Value = "the last word" });
        });
        Task serving = server.ServeAsync(right);
        using (var client = new BlockingTtrpcClient(UnixSocket.FromNumber((int)left.Socket.SafeHandle.DangerousGetHandle()), "test"))
        {
            // Nobody reads the answer before that.
            client.Begin("s", "End", new Empty());
            Assert.True(await arrived.Task.WaitAsync(s_patience) > "the last word".Length);

            Assert.Equal("the last word", client.End(StringValue.Parser, s_patience).Value);
            left.Socket.SafeHandle.SetHandleAsInvalid();    // the client's now
        }

        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task What_follows_an_answer_runs_when_the_caller_is_gone_too_but_not_after_a_failure()
    {
        var gate = new TaskCompletionSource();
        var ran = new TaskCompletionSource();
        int failed = 0;
        await using var server = new TtrpcServer();
        server.Register("s", "End", Empty.Parser, async (_, context) =>
        {
            context.WhenAnswered(() => { ran.SetResult(); return Task.CompletedTask; });
            await gate.Task;
            return new Empty();
        });
        server.Register<Empty, Empty>("s", "Fail", Empty.Parser, (_, context) =>
        {
            context.WhenAnswered(() => { failed++; return Task.CompletedTask; });
            throw new TtrpcException(TtrpcCode.NotFound, "no");
        });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using (var client = new TtrpcClient(left, "test"))
        {
            await Assert.ThrowsAsync<TtrpcException>(() => client.CallAsync("s", "Fail", new Empty(), Empty.Parser, s_patience));
            _ = client.CallAsync("s", "End", new Empty(), Empty.Parser).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        gate.SetResult();
        await ran.Task.WaitAsync(s_patience);
        await serving.WaitAsync(s_patience);
        Assert.Equal(0, failed);
    }

    [Fact]
    public async Task A_slow_call_does_not_hold_up_a_quick_one()
    {
        var gate = new TaskCompletionSource();
        await using var server = new TtrpcServer();
        server.Register("s", "Slow", Empty.Parser, async (_, _) => { await gate.Task; return new Empty(); });
        server.Register("s", "Quick", Empty.Parser, (_, _) => Task.FromResult(new Empty()));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");

        Task<Empty> slow = client.CallAsync("s", "Slow", new Empty(), Empty.Parser);
        await client.CallAsync("s", "Quick", new Empty(), Empty.Parser, s_patience);

        Assert.False(slow.IsCompleted);
        gate.SetResult();
        await slow.WaitAsync(s_patience);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Failures_reach_the_caller_with_code_and_text()
    {
        await using var server = new TtrpcServer();
        server.Register<Empty, Empty>("s", "Coded", Empty.Parser, (_, _) => throw new TtrpcException(TtrpcCode.NotFound, "no container c1"));
        server.Register<Empty, Empty>("s", "Kernel", Empty.Parser, (_, _) => throw new SyscallException("mount(/proc)", Errno.EPERM));
        server.Register<Empty, Empty>("s", "Other", Empty.Parser, (_, _) => throw new InvalidOperationException("the table is upside down"));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");

        await Refused("s", "Coded", TtrpcCode.NotFound, "no container c1");
        await Refused("s", "Kernel", TtrpcCode.Internal, "mount(/proc): EPERM");
        await Refused("s", "Other", TtrpcCode.Unknown, "the table is upside down");
        await Refused("s", "Nothing", TtrpcCode.Unimplemented, "no method Nothing");
        await Refused("t", "Coded", TtrpcCode.Unimplemented, "service t is not served");

        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);

        async Task Refused(string service, string method, TtrpcCode code, string text)
        {
            TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(
                () => client.CallAsync(service, method, new Empty(), Empty.Parser, s_patience));
            Assert.Equal(code, failure.Code);
            Assert.Contains(text, failure.Message);
        }
    }

    [Fact]
    public async Task A_timeout_holds_on_both_sides()
    {
        var cancelled = new TaskCompletionSource();
        await using var server = new TtrpcServer();
        server.Register<Empty, Empty>("s", "Hang", Empty.Parser, async (_, context) =>
        {
            context.CancellationToken.Register(() => cancelled.TrySetResult());
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new Empty();
        });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");

        TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(
            () => client.CallAsync("s", "Hang", new Empty(), Empty.Parser, TimeSpan.FromMilliseconds(50)));

        Assert.Equal(TtrpcCode.DeadlineExceeded, failure.Code);
        await cancelled.Task.WaitAsync(s_patience);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task A_server_that_never_reads_cannot_hold_a_caller_beyond_its_deadline()
    {
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        await using NetworkStream _ = right;
        await using var client = new TtrpcClient(left, "test");
        var large = new BytesValue { Value = ByteString.CopyFrom(new byte[3 << 20]) };

        TtrpcException first = await Assert.ThrowsAsync<TtrpcException>(
            () => client.CallAsync("s", "m", large, Empty.Parser, TimeSpan.FromMilliseconds(50)));
        TtrpcException second = await Assert.ThrowsAsync<TtrpcException>(
            () => client.CallAsync("s", "m", large, Empty.Parser, TimeSpan.FromMilliseconds(50)));

        Assert.Equal(TtrpcCode.DeadlineExceeded, first.Code);
        Assert.Equal(TtrpcCode.DeadlineExceeded, second.Code);
    }

    [Fact]
    public async Task Cancelling_a_call_leaves_the_connection_usable()
    {
        var gate = new TaskCompletionSource();
        await using var server = new TtrpcServer();
        server.Register("s", "Slow", Empty.Parser, async (_, _) => { await gate.Task; return new Empty(); });
        server.Register("s", "Quick", Empty.Parser, (_, _) => Task.FromResult(new Empty()));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");
        using var giveUp = new CancellationTokenSource();

        Task<Empty> slow = client.CallAsync("s", "Slow", new Empty(), Empty.Parser, null, giveUp.Token);
        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        gate.SetResult();
        await client.CallAsync("s", "Quick", new Empty(), Empty.Parser, s_patience);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Calls_in_flight_fail_as_unavailable_when_the_connection_ends()
    {
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        await using var client = new TtrpcClient(left, "agent");
        Task<Empty>[] calls = [.. Enumerable.Range(0, 10).Select(_ => client.CallAsync("s", "m", new Empty(), Empty.Parser))];

        await right.DisposeAsync();

        foreach (Task<Empty> call in calls)
        {
            TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(() => call.WaitAsync(s_patience));
            Assert.Equal(TtrpcCode.Unavailable, failure.Code);
            Assert.StartsWith("agent: ", failure.Message);
        }

        TtrpcException later = await Assert.ThrowsAsync<TtrpcException>(() => client.CallAsync("s", "m", new Empty(), Empty.Parser));
        Assert.Equal(TtrpcCode.Unavailable, later.Code);
        await client.Closed.WaitAsync(s_patience);
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_its_handlers_and_serving_waits_for_them()
    {
        var started = new TaskCompletionSource();
        bool returned = false;
        await using var server = new TtrpcServer();
        server.Register<Empty, Empty>("s", "Hang", Empty.Parser, async (_, context) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                await Task.Delay(50);
                Volatile.Write(ref returned, true);
            }

            return new Empty();
        });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        var client = new TtrpcClient(left, "test");
        Task<Empty> call = client.CallAsync("s", "Hang", new Empty(), Empty.Parser);
        await started.Task.WaitAsync(s_patience);

        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);

        Assert.True(Volatile.Read(ref returned));
        await Assert.ThrowsAsync<TtrpcException>(() => call);
    }

    [Fact]
    public async Task Disposing_the_server_waits_for_every_handler()
    {
        int running = 0;
        var started = new SemaphoreSlim(0);
        var server = new TtrpcServer();
        server.Register<Empty, Empty>("s", "Hang", Empty.Parser, async (_, context) =>
        {
            Interlocked.Increment(ref running);
            started.Release();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                await Task.Delay(30);
                Interlocked.Decrement(ref running);
            }

            return new Empty();
        });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");
        Task<Empty>[] calls = [.. Enumerable.Range(0, 5).Select(_ => client.CallAsync("s", "Hang", new Empty(), Empty.Parser))];
        for (int index = 0; index < calls.Length; index++)
        {
            Assert.True(await started.WaitAsync(s_patience));
        }

        await server.DisposeAsync();

        Assert.Equal(0, Volatile.Read(ref running));
        await serving.WaitAsync(s_patience);
        foreach (Task<Empty> call in calls)
        {
            await Assert.ThrowsAsync<TtrpcException>(() => call);
        }
    }

    [Fact]
    public async Task A_client_that_leaves_its_answer_unread_is_an_ordinary_end()
    {
        await using var server = new TtrpcServer();
        server.Register("s", "Quick", Empty.Parser, (_, _) => Task.FromResult(new Empty()));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        var request = new OutgoingRequest("s", "Quick", new Empty(), 0, []);
        byte[] payload = new byte[request.Measure()];
        request.Write(payload);
        await left.WriteAsync(Raw(1, (byte)FrameType.Request, payload));
        while (!left.DataAvailable)
        {
            await Task.Yield();
        }

        await left.DisposeAsync();

        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Metadata_and_the_time_allowed_reach_the_handler()
    {
        await using var server = new TtrpcServer();
        server.Register("s", "Meta", Empty.Parser, (_, context) =>
            Task.FromResult(new StringValue { Value = string.Join(',', context.Metadata.Select(m => $"{m.Key}={m.Value}")) }));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");

        StringValue answer = await client.CallAsync(
            "s", "Meta", new Empty(), StringValue.Parser, s_patience, [new("trace", "ä1"), new("empty", "")], int.MaxValue, default);

        Assert.Equal("trace=ä1,empty=", answer.Value);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Messages_above_the_limit_are_refused_on_either_side_and_the_connection_lives_on()
    {
        await using var server = new TtrpcServer();
        server.Register("s", "Large", Empty.Parser, (_, _) =>
            Task.FromResult(new BytesValue { Value = ByteString.CopyFrom(new byte[FrameHeader.MaxPayloadBytes]) }));
        server.Register("s", "Size", BytesValue.Parser, (request, _) => Task.FromResult(new Int32Value { Value = request.Value.Length }));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");
        var tooLarge = new BytesValue { Value = ByteString.CopyFrom(new byte[FrameHeader.MaxPayloadBytes]) };
        var fits = new BytesValue { Value = ByteString.CopyFrom(new byte[FrameHeader.MaxPayloadBytes - 100]) };

        TtrpcException out1 = await Assert.ThrowsAsync<TtrpcException>(() => client.CallAsync("s", "Size", tooLarge, Int32Value.Parser, s_patience));
        TtrpcException in1 = await Assert.ThrowsAsync<TtrpcException>(() => client.CallAsync("s", "Large", new Empty(), BytesValue.Parser, s_patience));
        Int32Value size = await client.CallAsync("s", "Size", fits, Int32Value.Parser, s_patience);

        Assert.Equal(TtrpcCode.ResourceExhausted, out1.Code);
        Assert.Equal(TtrpcCode.ResourceExhausted, in1.Code);
        Assert.Equal(FrameHeader.MaxPayloadBytes - 100, size.Value);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Requests_in_flight_on_one_connection_are_bounded()
    {
        var gate = new TaskCompletionSource();
        await using var server = new TtrpcServer();
        server.Register("s", "Slow", Empty.Parser, async (_, _) => { await gate.Task; return new Empty(); });
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "test");
        Task<Empty>[] calls = [.. Enumerable.Range(0, RequestsInFlight.MaxRequests).Select(_ => client.CallAsync("s", "Slow", new Empty(), Empty.Parser))];

        TtrpcException refused = await Assert.ThrowsAsync<TtrpcException>(() => client.CallAsync("s", "Slow", new Empty(), Empty.Parser, s_patience));

        Assert.Equal(TtrpcCode.ResourceExhausted, refused.Code);
        gate.SetResult();
        await Task.WhenAll(calls).WaitAsync(s_patience);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task An_announced_length_above_the_limit_closes_the_connection_with_the_reason()
    {
        await using var server = new TtrpcServer();
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        await using NetworkStream _ = left;
        Task serving = server.ServeAsync(right);
        byte[] header = new byte[FrameHeader.Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(header, FrameHeader.MaxPayloadBytes + 1);

        await left.WriteAsync(header);

        ProtocolException failure = await Assert.ThrowsAsync<ProtocolException>(() => serving.WaitAsync(s_patience));
        Assert.Contains("4194305", failure.Message);
        Assert.Equal(0, await left.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task Unknown_frame_types_are_skipped_and_even_stream_ids_refused()
    {
        await using var server = new TtrpcServer();
        server.Register("s", "Quick", Empty.Parser, (_, _) => Task.FromResult(new Empty()));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        await using NetworkStream _ = left;
        Task serving = server.ServeAsync(right);
        var request = new OutgoingRequest("s", "Quick", new Empty(), 0, []);
        byte[] payload = new byte[request.Measure()];
        request.Write(payload);

        await left.WriteAsync(Raw(99, 77, [1, 2, 3]));
        await left.WriteAsync(Raw(2, (byte)FrameType.Request, payload));
        await left.WriteAsync(Raw(3, (byte)FrameType.Request, payload));

        var reader = new FrameReader(left);
        Frame refusal = (await reader.ReadAsync(default).AsTask().WaitAsync(s_patience)).GetValueOrDefault();
        Frame answer = (await reader.ReadAsync(default).AsTask().WaitAsync(s_patience)).GetValueOrDefault();
        Assert.Equal(2u, refusal.Header.StreamId);
        Assert.Equal(TtrpcCode.InvalidArgument, ResponseEnvelope.Parse(refusal.Payload).Code);
        Assert.Equal(3u, answer.Header.StreamId);
        Assert.Equal(TtrpcCode.Ok, ResponseEnvelope.Parse(answer.Payload).Code);
        await left.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    private static byte[] Raw(uint stream, byte type, byte[] payload)
    {
        byte[] frame = new byte[FrameHeader.Bytes + payload.Length];
        new FrameHeader(payload.Length, stream, (FrameType)type, FrameFlags.None).Write(frame);
        payload.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }
}
