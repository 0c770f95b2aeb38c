using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// ttrpc's Request: service = 1, method = 2, payload = 3, timeout_nano = 4, metadata = 5 (repeated KeyValue: key = 1, value = 2).
/// A view: the payload points into the frame it was read from.
/// </summary>
internal readonly ref struct RequestEnvelope
{
    // Own limits; the longest names in use (containerd's) have 40 bytes, and tracing needs a handful of short entries.
    internal const int MaxNameBytes = 512;
    internal const int MaxMetadataEntries = 64;
    internal const int MaxMetadataBytes = 8192;

    private RequestEnvelope(string service, string method, ReadOnlySpan<byte> payload, long timeoutNano, IReadOnlyList<KeyValuePair<string, string>> metadata)
    {
        Service = service;
        Method = method;
        Payload = payload;
        TimeoutNano = timeoutNano;
        Metadata = metadata;
    }

    internal string Service { get; }

    internal string Method { get; }

    internal ReadOnlySpan<byte> Payload { get; }

    internal long TimeoutNano { get; }

    internal IReadOnlyList<KeyValuePair<string, string>> Metadata { get; }

    /// <exception cref="ProtocolException">Not a Request, or one of its parts is above its limit.</exception>
    internal static RequestEnvelope Parse(ReadOnlySpan<byte> message)
    {
        var reader = new FieldReader(message);
        string service = "";
        string method = "";
        ReadOnlySpan<byte> payload = default;
        long timeoutNano = 0;
        List<KeyValuePair<string, string>>? metadata = null;
        for (int field = reader.NextField(); field != 0; field = reader.NextField())
        {
            switch (field)
            {
                case 1:
                    service = reader.ReadText(MaxNameBytes, "a service name");
                    break;
                case 2:
                    method = reader.ReadText(MaxNameBytes, "a method name");
                    break;
                case 3:
                    payload = reader.ReadBytes();
                    break;
                case 4:
                    timeoutNano = reader.ReadInteger();
                    break;
                case 5:
                    AddEntry(ref metadata, reader.ReadBytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new RequestEnvelope(service, method, payload, timeoutNano, metadata ?? (IReadOnlyList<KeyValuePair<string, string>>)[]);
    }

    private static void AddEntry(ref List<KeyValuePair<string, string>>? metadata, ReadOnlySpan<byte> entry)
    {
        metadata ??= [];
        if (metadata.Count == MaxMetadataEntries)
        {
            throw new ProtocolException($"a request has more than {MaxMetadataEntries} metadata entries");
        }

        var reader = new FieldReader(entry);
        string key = "";
        string value = "";
        for (int field = reader.NextField(); field != 0; field = reader.NextField())
        {
            switch (field)
            {
                case 1:
                    key = reader.ReadText(MaxNameBytes, "a metadata key");
                    break;
                case 2:
                    value = reader.ReadText(MaxMetadataBytes, "a metadata value");
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        metadata.Add(new KeyValuePair<string, string>(key, value));
    }
}

/// <summary>A Request on its way out.</summary>
internal sealed class OutgoingRequest(
    string service, string method, IMessage payload, long timeoutNano, IReadOnlyList<KeyValuePair<string, string>> metadata) : IFramePayload
{
    private int _payloadBytes;

    public int Measure()
    {
        _payloadBytes = payload.CalculateSize();
        int total = FieldWriter.MeasureText(1, service)
            + FieldWriter.MeasureText(2, method)
            + FieldWriter.MeasureDelimited(3, _payloadBytes)
            + FieldWriter.MeasureInteger(4, timeoutNano);
        foreach (KeyValuePair<string, string> entry in metadata)
        {
            total += FieldWriter.MeasureDelimited(5, MeasureEntry(entry));
        }

        return total;
    }

    public void Write(Span<byte> target)
    {
        var writer = new FieldWriter(target);
        writer.WriteText(1, service);
        writer.WriteText(2, method);
        payload.WriteTo(writer.Reserve(3, _payloadBytes));
        writer.WriteInteger(4, timeoutNano);
        foreach (KeyValuePair<string, string> entry in metadata)
        {
            var inner = new FieldWriter(writer.Reserve(5, MeasureEntry(entry)));
            inner.WriteText(1, entry.Key);
            inner.WriteText(2, entry.Value);
        }
    }

    private static int MeasureEntry(KeyValuePair<string, string> entry) =>
        FieldWriter.MeasureText(1, entry.Key) + FieldWriter.MeasureText(2, entry.Value);
}
