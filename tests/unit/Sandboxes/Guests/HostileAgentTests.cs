using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Caisson.Protocol;
using Caisson.Sandboxes;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class HostileAgentTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Never collected: it owns standard error.
    private static readonly SupervisorLog s_log = new("test");

    [Fact]
    public Task Garbage_instead_of_answers_ends_the_machine_after_a_few_sessions() => RequireDistrustAsync(
        async port =>
        {
            var random = new Random(1);
            byte[] garbage = new byte[65536];
            while (true)
            {
                random.NextBytes(garbage);
                garbage[0] = 0xA5;
                await port.WriteAsync(garbage);
            }
        },
        GreetAsync,
        "agent: its session was broken 5 times");

    [Fact]
    public Task Frames_above_the_limit_end_the_machine_after_a_few_sessions() => RequireDistrustAsync(
        async port =>
        {
            byte[] header = new byte[FrameHeader.Bytes];
            BinaryPrimitives.WriteInt32BigEndian(header, FrameHeader.MaxPayloadBytes + 1);
            await port.WriteAsync(header);
            await HostileAgent.ReceiveCallAsync(port);
        },
        GreetAsync,
        "the limit is 4194304");

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF })]           // no envelope
    [InlineData(new byte[] { 0x12, 2, 0xFF, 0xFF })]        // an envelope around no message
    public Task A_payload_that_is_no_message_ends_the_machine(byte[] payload) => RequireDistrustAsync(
        async port =>
        {
            await HostileAgent.ReceiveCallAsync(port);
            byte[] frame = [.. new byte[FrameHeader.Bytes], .. payload];
            new FrameHeader(payload.Length, 1, FrameType.Response, FrameFlags.None).Write(frame);
            await port.WriteAsync(frame);
            await HostileAgent.ReceiveCallAsync(port);
        },
        GreetAsync,
        "agent: the agent's answer is no message");

    [Theory]
    [InlineData(131_073, 0ul, false, "131073 bytes at 0")]
    [InlineData(10, 4096ul, false, "10 bytes at 4096")]
    [InlineData(0, 0ul, false, "neither bytes nor the end")]
    public Task Output_that_was_not_asked_for_ends_the_machine(int length, ulong offset, bool eof, string words) => RequireDistrustAsync(
        HostileAgent.Answer(new ReadStreamResponse { Data = ByteString.CopyFrom(new byte[length]), Offset = offset, Eof = eof }),
        guest => guest.Process("c", "").ReadStdoutAsync(0, CancellationToken.None),
        words);

    [Fact]
    public Task Input_that_was_never_sent_and_is_acknowledged_ends_the_machine() => RequireDistrustAsync(
        HostileAgent.Answer(new WriteStreamResponse { Len = uint.MaxValue }),
        guest => guest.Process("c", "").WriteStdinAsync(0, new byte[10], CancellationToken.None),
        "took 4294967295 of 10");

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    [InlineData(int.MinValue)]
    public Task An_exit_code_that_no_process_has_ends_the_machine(int code) => RequireDistrustAsync(
        HostileAgent.Answer(new WaitProcessResponse { Status = code }),
        guest => guest.Process("c", "x").WaitAsync(CancellationToken.None),
        $"exit code {code}");

    [Theory]
    [InlineData(new byte[] { 0, 0 })]
    [InlineData(new byte[] { 0x1b })]
    [InlineData(new byte[] { 0x1b, 0x58, 0x1b, 0x58 })]
    [InlineData(new byte[] { 0x1b, 0x59, 0x1b, 0x58 })]
    public Task Ports_that_cannot_be_end_the_machine(byte[] ports) => RequireDistrustAsync(
        HostileAgent.Answer(new PortList { Ports = ByteString.CopyFrom(ports) }),
        static guest => guest.ListeningPortsAsync([], false, CancellationToken.None),
        $"said {ports.Length} bytes that are no list of at most 64 ports");

    [Fact]
    public Task More_ports_than_are_mirrored_end_the_machine() => RequireDistrustAsync(
        HostileAgent.Answer(new PortList { Ports = PortNumbers.ToWire([.. Enumerable.Range(1000, PortNumbers.Max + 1).Select(static port => (ushort)port)]) }),
        static guest => guest.ListeningPortsAsync([], false, CancellationToken.None),
        "said 130 bytes");

    [Fact]
    public Task A_query_of_names_beyond_the_limit_ends_the_machine() => RequireDistrustAsync(
        HostileAgent.Answer(new DnsMessage { Id = 1, Data = ByteString.CopyFrom(new byte[DnsLimits.MaxBytes + 1]) }),
        static guest => guest.RelayDnsAsync(new DnsMessage(), CancellationToken.None),
        "a query of 4097 bytes");

    [Fact]
    public async Task Answers_to_calls_nobody_made_are_passed_over_and_the_call_ends_in_time()
    {
        using var agent = new HostileAgent(async port =>
        {
            using var writer = new FrameWriter(port);
            for (uint stream = 2; ; stream++)
            {
                await writer.TakeTurnAsync(CancellationToken.None);
                await writer.WriteAsync(stream, (FrameType)(stream % 7), new OutgoingResponse(new WaitProcessResponse { Status = 7 }), CancellationToken.None);
            }
        });
        var link = new AgentLink(agent.Path, s_log);
        await using var guest = new AgentGuest(link);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        long start = Stopwatch.GetTimestamp();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => guest.Process("c", "").WaitAsync(limit.Token));

        Assert.True(Stopwatch.GetElapsedTime(start) < s_patience);
        Assert.False(link.Distrusted.IsCompleted);
    }

    [Fact]
    public async Task Garbage_for_ever_instead_of_an_echo_is_given_up_in_time()
    {
        byte[] garbage = new byte[65536];
        await Assert.ThrowsAsync<TtrpcException>(() => SerialLink.ConnectAsync(
            stop =>
            {
                (NetworkStream host, NetworkStream agent) = Ttrpc.SocketPair.Create();
                _ = FloodAsync(agent, garbage);
                return new(host);
            },
            TimeSpan.FromSeconds(1)).WaitAsync(s_patience));
    }

    [Fact]
    public async Task What_an_agent_says_of_a_failure_cannot_steer_a_terminal()
    {
        using var agent = new HostileAgent(async port =>
        {
            await HostileAgent.ReceiveCallAsync(port);
            using var writer = new FrameWriter(port);
            await writer.TakeTurnAsync(CancellationToken.None);
            await writer.WriteAsync(1, FrameType.Response, new OutgoingResponse(TtrpcCode.Unknown, "a\x1b[2Jb\nc"), CancellationToken.None);
            await HostileAgent.ReceiveCallAsync(port);
        });
        await using var guest = new AgentGuest(new AgentLink(agent.Path, s_log));

        GuestException refused = await Assert.ThrowsAsync<GuestException>(() => guest.StartContainerAsync("c", CancellationToken.None).WaitAsync(s_patience));

        Assert.Equal("a?[2Jb?c", refused.Message);
    }

    private static Task GreetAsync(IGuest guest) => guest.PrepareAsync("s", "h", CancellationToken.None);

    private static async Task RequireDistrustAsync(Func<NetworkStream, Task> session, Func<IGuest, Task> call, string words)
    {
        using var agent = new HostileAgent(session);
        var link = new AgentLink(agent.Path, s_log);
        await using var guest = new AgentGuest(link);

        SandboxException failure = await Assert.ThrowsAnyAsync<SandboxException>(() => call(guest).WaitAsync(s_patience));
        string why = await link.Distrusted.WaitAsync(s_patience);

        Assert.NotEmpty(failure.Message);
        Assert.Contains(words, why, StringComparison.Ordinal);
        Assert.InRange(agent.Sessions, 1, 5);
        SandboxException later = await Assert.ThrowsAnyAsync<SandboxException>(() => guest.SyncAsync(CancellationToken.None).WaitAsync(s_patience));
        Assert.Contains(words, later.Message, StringComparison.Ordinal);
    }

    private static async Task FloodAsync(NetworkStream agent, byte[] garbage)
    {
        await using (agent)
        {
            try
            {
                while (true)
                {
                    await agent.WriteAsync(garbage);
                }
            }
            catch (IOException)
            {
                // The host hung up.
            }
        }
    }
}
