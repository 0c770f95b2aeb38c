using System.Net.Sockets;
using System.Security.Cryptography;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.UnitTests.Ttrpc;

public sealed class SerialLinkTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_host_and_an_agent_find_each_other_and_call()
    {
        var port = new TestPort();
        await using var agent = new Agent(port, port.WaitForHostAsync);
        await using var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(port.Connect()), s_patience), "agent");

        BytesValue answer = await client.CallAsync("agent", "Hash", Blob(100_000, 1), BytesValue.Parser, s_patience);

        Assert.Equal(SHA256.HashData(Blob(100_000, 1).Value.Span), answer.Value.ToByteArray());
    }

    [Fact]
    public async Task A_host_that_comes_first_waits_for_the_agent()
    {
        var port = new TestPort();
        Task<Stream> connecting = SerialLink.ConnectAsync(_ => new(port.Connect()), s_patience);
        await Task.Delay(300);
        await using var agent = new Agent(port, port.WaitForHostAsync);
        await using var client = new TtrpcClient(await connecting, "agent");

        await client.CallAsync("agent", "Hash", Blob(10, 1), BytesValue.Parser, s_patience);
    }

    [Fact]
    public async Task An_agent_that_never_answers_is_reported_in_time()
    {
        var port = new TestPort();

        TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(
            () => SerialLink.ConnectAsync(_ => new(port.Connect()), TimeSpan.FromMilliseconds(300)));

        Assert.Equal(TtrpcCode.DeadlineExceeded, failure.Code);
    }

    [Fact]
    public async Task Without_a_host_the_agent_waits_and_does_not_spin()
    {
        var port = new TestPort();
        await using var agent = new Agent(port, port.WaitForHostAsync);
        await using (var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(port.Connect()), s_patience), "agent"))
        {
            await client.CallAsync("agent", "Hash", Blob(10, 1), BytesValue.Parser, s_patience);
        }

        await Task.Delay(200);

        Assert.InRange(port.ReadsWithoutHost, 0, 5);
    }

    [Fact]
    public async Task Calls_of_the_old_session_are_cancelled_when_the_next_host_comes()
    {
        // One pipe without any hang-up: the new host is known by its sync frames alone.
        (NetworkStream host, NetworkStream guest) = SocketPair.Create();
        await using NetworkStream keepOpen = host;
        await using var agent = new Agent(guest, NeverAlone);
        await using var first = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(new CutStream(host, closeInner: false)), s_patience), "agent");
        Task<Empty> hanging = first.CallAsync("agent", "Hang", new Empty(), Empty.Parser);
        await agent.Hanging.Task.WaitAsync(s_patience);
        await first.DisposeAsync();

        await using var second = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(new CutStream(host, closeInner: false)), s_patience), "agent");
        await second.CallAsync("agent", "Hash", Blob(10, 1), BytesValue.Parser, s_patience);

        await agent.HangCancelled.Task.WaitAsync(s_patience);
        TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(() => hanging);
        Assert.Equal(TtrpcCode.Unavailable, failure.Code);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(300_000)]
    public async Task Garbage_in_both_directions_before_the_session_is_dropped(int count)
    {
        (NetworkStream host, NetworkStream guest) = SocketPair.Create();
        await using NetworkStream keepOpen = host;
        byte[] garbage = new byte[count];
        new Random(20261121).NextBytes(garbage);
        Task flooding = guest.WriteAsync(garbage).AsTask();
        Task sent = host.WriteAsync(garbage).AsTask();
        await using var agent = new Agent(guest, NeverAlone);
        await sent.WaitAsync(s_patience);

        await using var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(new CutStream(host, closeInner: false)), s_patience), "agent");
        await client.CallAsync("agent", "Hash", Blob(10, 1), BytesValue.Parser, s_patience);

        await flooding.WaitAsync(s_patience);
    }

    [Fact]
    public async Task The_magic_in_a_payload_is_data()
    {
        var port = new TestPort();
        await using var agent = new Agent(port, port.WaitForHostAsync);
        await using var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(port.Connect()), s_patience), "agent");
        byte[] data = new byte[100_000];
        for (int at = 0; at + SerialFrames.SyncBytes < data.Length; at += 37)
        {
            SerialFrames.Sync(new byte[SerialFrames.NonceBytes]).CopyTo(data, at);
        }

        BytesValue answer = await client.CallAsync("agent", "Hash", new BytesValue { Value = ByteString.CopyFrom(data) }, BytesValue.Parser, s_patience);

        Assert.Equal(SHA256.HashData(data), answer.Value.ToByteArray());
        Assert.Equal(1, agent.Sessions);
    }

    [Fact]
    public void Half_a_segment_filled_up_by_sync_frames_is_not_delivered_and_the_sync_is_found()
    {
        var scanner = new SerialScanner();
        byte[] challenge = [.. Enumerable.Repeat((byte)7, SerialFrames.ChallengeBytes)];
        byte[] nonce = [.. Enumerable.Repeat((byte)9, SerialFrames.NonceBytes)];
        byte[] segment = new byte[SerialFrames.LengthBytes + 1000 + SerialFrames.ChallengeBytes];
        SerialFrames.WriteSegment(segment, new byte[1000], challenge);
        byte[] syncs = [.. Enumerable.Repeat(SerialFrames.Sync(nonce), 40).SelectMany(b => b)];
        Feed(scanner, segment.AsSpan(0, 301));
        Assert.Equal(SerialFind.NeedMore, scanner.Next(challenge));

        Feed(scanner, syncs);

        Assert.Equal(SerialFind.Garbage, scanner.Next(challenge));
        Assert.Equal(SerialFind.Sync, scanner.Next(default));
        Assert.Equal(nonce, scanner.Nonce.ToArray());
    }

    [Fact]
    public void A_segment_with_a_guessed_challenge_is_not_delivered()
    {
        var scanner = new SerialScanner();
        byte[] forged = new byte[SerialFrames.LengthBytes + 100 + SerialFrames.ChallengeBytes];
        SerialFrames.WriteSegment(forged, new byte[100], new byte[SerialFrames.ChallengeBytes]);
        Feed(scanner, forged);

        Assert.Equal(SerialFind.Garbage, scanner.Next(SerialFrames.Unguessable()));
    }

    [Fact]
    public void Random_bytes_never_become_data()
    {
        var random = new Random(20261121);
        var scanner = new SerialScanner();
        byte[] challenge = SerialFrames.Unguessable();
        for (int round = 0; round < 20_000; round++)
        {
            Memory<byte> room = scanner.Room();
            byte[] noise = new byte[Math.Min(room.Length, random.Next(1, 200))];
            random.NextBytes(noise);
            if (random.Next(3) == 0)
            {
                noise.AsSpan(0, Math.Min(2, noise.Length)).Clear();
            }

            noise.CopyTo(room);
            scanner.Filled(noise.Length);
            SerialFind find;
            while ((find = scanner.Next(challenge)) != SerialFind.NeedMore)
            {
                Assert.NotEqual(SerialFind.Data, find);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hundred_hosts_that_die_at_any_byte_never_make_the_agent_obey_a_wrong_request(bool hangUp)
    {
        var random = new Random(20261121);
        (NetworkStream pipe, NetworkStream guest) = SocketPair.Create();
        await using NetworkStream keepOpen = pipe;
        var port = new TestPort();
        await using var agent = hangUp ? new Agent(port, port.WaitForHostAsync) : new Agent(guest, NeverAlone);
        for (int round = 0; round < 100; round++)
        {
            long budget = random.Next(3) == 0 ? random.Next(1000) : random.Next(200_000);
            await using var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(NewHost()), s_patience), "agent");
            int seed = random.Next();
            BytesValue answer = await client.CallAsync("agent", "Hash", Blob(seed % 1000, seed), BytesValue.Parser, s_patience);
            Assert.Equal(SHA256.HashData(Blob(seed % 1000, seed).Value.Span), answer.Value.ToByteArray());
            await client.DisposeAsync();
            await DieAfterAsync(NewHost(), budget, random.Next());
        }

        Assert.Equal(0, agent.WrongRequests);

        CutStream NewHost() => new(hangUp ? port.Connect() : pipe, closeInner: hangUp);
    }

    // A host that gets through the handshake, then sends large requests until it dies in the middle of its bytes.
    private static async Task DieAfterAsync(CutStream dying, long budget, int seed)
    {
        await using var client = new TtrpcClient(await SerialLink.ConnectAsync(_ => new(dying), s_patience), "agent");
        dying.DieAfter(budget);
        Task<BytesValue>[] calls = [.. Enumerable.Range(0, 5).Select(n =>
            client.CallAsync("agent", "Hash", Blob(60_000, seed ^ n), BytesValue.Parser, s_patience))];
        foreach (Task<BytesValue> call in calls)
        {
            try
            {
                await call;
            }
            catch (TtrpcException died)
            {
                Assert.Equal(TtrpcCode.Unavailable, died.Code);
            }
        }
    }

    private static ValueTask NeverAlone(CancellationToken cancellationToken) => new(Task.Delay(Timeout.Infinite, cancellationToken));

    private static void Feed(SerialScanner scanner, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(scanner.Room().Span);
        scanner.Filled(bytes.Length);
    }

    // The first four bytes say how the rest was made, so that the agent can tell a whole blob from a patched one.
    private static BytesValue Blob(int length, int seed)
    {
        byte[] bytes = new byte[length + 4];
        BitConverter.TryWriteBytes(bytes, seed);
        new Random(seed).NextBytes(bytes.AsSpan(4));
        return new BytesValue { Value = ByteString.CopyFrom(bytes) };
    }

    private sealed class Agent : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly TtrpcServer _server = new();
        private readonly SerialListener _listener;
        private readonly Task _serving;
        private int _wrongRequests;
        private int _sessionsEnded;

        internal Agent(Stream port, Func<CancellationToken, ValueTask> waitForPeer)
        {
            _server.Register("agent", "Hash", BytesValue.Parser, (request, _) => Task.FromResult(Hash(request)));
            _server.Register<Empty, Empty>("agent", "Hang", Empty.Parser, HangAsync);
            _listener = new SerialListener(port, waitForPeer);
            _serving = _listener.ServeAsync(_server, _ => Interlocked.Increment(ref _sessionsEnded), _stop.Token);
        }

        internal TaskCompletionSource Hanging { get; } = new();

        internal TaskCompletionSource HangCancelled { get; } = new();

        internal int WrongRequests => Volatile.Read(ref _wrongRequests);

        internal int Sessions => Volatile.Read(ref _sessionsEnded) + 1;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _serving);
            await _listener.DisposeAsync();
            await _server.DisposeAsync();
        }

        private BytesValue Hash(BytesValue request)
        {
            byte[] bytes = request.Value.ToByteArray();
            bool synthetic = bytes.Length >= 4 && bytes[..4].AsSpan().SequenceEqual(SerialFrames.Magic[..4]);
            if (!synthetic && (bytes.Length < 4 || !Blob(bytes.Length - 4, BitConverter.ToInt32(bytes)).Value.Span.SequenceEqual(bytes)))
            {
                Interlocked.Increment(ref _wrongRequests);
            }

            return new BytesValue { Value = ByteString.CopyFrom(SHA256.HashData(bytes)) };
        }

        private async Task<Empty> HangAsync(Empty request, TtrpcContext context)
        {
            Hanging.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                HangCancelled.TrySetResult();
            }

            return request;
        }
    }
}
