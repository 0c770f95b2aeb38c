using Caisson.Ttrpc;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.UnitTests.Ttrpc;

public sealed class EnvelopeFuzzTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Random_bytes_and_mutations_of_a_request_give_a_request_or_a_protocol_error()
    {
        var request = new OutgoingRequest("grpc.AgentService", "CreateContainer", new StringValue { Value = "container" }, 60_000_000_000, [new("k", "v")]);
        Torment(Layout(request), bytes =>
        {
            RequestEnvelope envelope = RequestEnvelope.Parse(bytes);
            _ = new TtrpcMethod<StringValue, Empty>(StringValue.Parser, (_, _) => Task.FromResult(new Empty())).Parse(envelope.Payload);
        });
    }

    [Fact]
    public void Random_bytes_and_mutations_of_a_response_give_a_response_or_a_protocol_error()
    {
        Torment(Layout(new OutgoingResponse(TtrpcCode.NotFound, "no such container")), bytes => _ = ResponseEnvelope.Parse(bytes).Code);
        Torment(Layout(new OutgoingResponse(new StringValue { Value = "answer" })), bytes => _ = ResponseEnvelope.Parse(bytes).Code);
    }

    [Fact]
    public async Task Random_bytes_and_mutations_of_a_stream_of_frames_give_frames_or_a_protocol_error()
    {
        var random = new Random(20261121);
        byte[] payload = Layout(new OutgoingRequest("s", "m", new StringValue { Value = "x" }, 0, []));
        byte[] sound = new byte[3 * (FrameHeader.Bytes + payload.Length)];
        for (int index = 0; index < 3; index++)
        {
            Span<byte> frame = sound.AsSpan(index * (FrameHeader.Bytes + payload.Length));
            new FrameHeader(payload.Length, (uint)(2 * index) + 1, FrameType.Request, FrameFlags.None).Write(frame);
            payload.CopyTo(frame[FrameHeader.Bytes..]);
        }

        for (int round = 0; round < 2_000; round++)
        {
            var reader = new FrameReader(new MemoryStream(Mutate(random, sound)));
            try
            {
                while (await reader.ReadAsync(default) is { } frame)
                {
                    frame.Return();
                }
            }
            catch (ProtocolException)
            {
            }
        }
    }

    [Fact]
    public void Requests_survive_the_way_out_and_in()
    {
        var request = new OutgoingRequest("grpc.AgentService", "Wait", new StringValue { Value = "ü" }, long.MaxValue, [new("a", "b"), new("", "")]);

        RequestEnvelope read = RequestEnvelope.Parse(Layout(request));

        Assert.Equal("grpc.AgentService", read.Service);
        Assert.Equal("Wait", read.Method);
        Assert.Equal(long.MaxValue, read.TimeoutNano);
        Assert.Equal([new("a", "b"), new("", "")], read.Metadata);
        Assert.Equal("ü", StringValue.Parser.ParseFrom(read.Payload).Value);
    }

    [Fact]
    public void Unknown_fields_of_every_wire_type_are_skipped()
    {
        byte[] message = [0x0A, 1, (byte)'s', 0x50, 0xFF, 0x01, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x62, 2, 9, 9, 0x6D, 1, 2, 3, 4, 0x12, 1, (byte)'m'];

        RequestEnvelope read = RequestEnvelope.Parse(message);

        Assert.Equal("s", read.Service);
        Assert.Equal("m", read.Method);
    }

    [Fact]
    public void Names_and_metadata_have_limits()
    {
        byte[] longName = Layout(new OutgoingRequest(new string('s', RequestEnvelope.MaxNameBytes + 1), "m", new Empty(), 0, []));
        byte[] manyEntries = Layout(new OutgoingRequest(
            "s", "m", new Empty(), 0, [.. Enumerable.Range(0, RequestEnvelope.MaxMetadataEntries + 1).Select(n => new KeyValuePair<string, string>($"{n}", ""))]));

        Assert.Throws<ProtocolException>(() => { RequestEnvelope.Parse(longName); });
        Assert.Throws<ProtocolException>(() => { RequestEnvelope.Parse(manyEntries); });
    }

    private static void Torment(byte[] sound, Action<byte[]> parse)
    {
        var random = new Random(20261121);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = Mutate(random, sound);
            try
            {
                parse(bytes);
            }
            catch (Exception expected) when (expected is ProtocolException or TtrpcException)
            {
            }
        }
    }

    private static byte[] Mutate(Random random, byte[] sound)
    {
        if (random.Next(4) == 0)
        {
            byte[] noise = new byte[random.Next(64)];
            random.NextBytes(noise);
            return noise;
        }

        byte[] bytes = sound[..random.Next(sound.Length + 1)];
        for (int change = random.Next(4); change > 0 && bytes.Length > 0; change--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }

    private static byte[] Layout(IFramePayload payload)
    {
        byte[] bytes = new byte[payload.Measure()];
        payload.Write(bytes);
        return bytes;
    }
}
