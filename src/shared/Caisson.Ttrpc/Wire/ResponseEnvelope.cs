using System.Text;
using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// ttrpc's Response: status = 1 (google.rpc.Status: code = 1, message = 2, details = 3), payload = 2.
/// A view: the payload points into the frame it was read from.
/// </summary>
internal readonly ref struct ResponseEnvelope
{
    // Own limit: a status text is read by people. A longer one is cut, on both sides.
    internal const int MaxTextBytes = 16 * 1024;

    private ResponseEnvelope(TtrpcCode code, string message, ReadOnlySpan<byte> payload)
    {
        Code = code;
        Message = message;
        Payload = payload;
    }

    internal TtrpcCode Code { get; }

    internal string Message { get; }

    internal ReadOnlySpan<byte> Payload { get; }

    /// <exception cref="ProtocolException">Not a Response.</exception>
    internal static ResponseEnvelope Parse(ReadOnlySpan<byte> message)
    {
        var reader = new FieldReader(message);
        TtrpcCode code = TtrpcCode.Ok;
        string text = "";
        ReadOnlySpan<byte> payload = default;
        for (int field = reader.NextField(); field != 0; field = reader.NextField())
        {
            switch (field)
            {
                case 1:
                    ParseStatus(reader.ReadBytes(), ref code, ref text);
                    break;
                case 2:
                    payload = reader.ReadBytes();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new ResponseEnvelope(code, text, payload);
    }

    private static void ParseStatus(ReadOnlySpan<byte> status, ref TtrpcCode code, ref string text)
    {
        var reader = new FieldReader(status);
        for (int field = reader.NextField(); field != 0; field = reader.NextField())
        {
            switch (field)
            {
                case 1:
                    // A code from outside the table is an error all the same; its number is of no use to anybody.
                    long value = reader.ReadInteger();
                    code = value is >= 0 and <= (long)TtrpcCode.Unauthenticated ? (TtrpcCode)value : TtrpcCode.Unknown;
                    break;
                case 2:
                    ReadOnlySpan<byte> bytes = reader.ReadBytes();
                    text = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, MaxTextBytes)]);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }
}

/// <summary>A Response on its way out: a payload, or a status that is not Ok.</summary>
internal sealed class OutgoingResponse : IFramePayload
{
    private readonly IMessage? _payload;
    private readonly TtrpcCode _code;
    private readonly string _text = "";
    private int _payloadBytes;
    private int _statusBytes;

    internal OutgoingResponse(IMessage payload) => _payload = payload;

    internal OutgoingResponse(TtrpcCode code, string text)
    {
        _code = code;
        // At most three bytes of UTF-8 per UTF-16 unit.
        _text = text.Length <= ResponseEnvelope.MaxTextBytes / 3 ? text : text[..(ResponseEnvelope.MaxTextBytes / 3)];
    }

    public int Measure()
    {
        if (_payload is not null)
        {
            _payloadBytes = _payload.CalculateSize();
            return FieldWriter.MeasureDelimited(2, _payloadBytes);
        }

        _statusBytes = FieldWriter.MeasureInteger(1, (long)_code) + FieldWriter.MeasureText(2, _text);
        return FieldWriter.MeasureDelimited(1, _statusBytes);
    }

    public void Write(Span<byte> target)
    {
        var writer = new FieldWriter(target);
        if (_payload is not null)
        {
            _payload.WriteTo(writer.Reserve(2, _payloadBytes));
            return;
        }

        var status = new FieldWriter(writer.Reserve(1, _statusBytes));
        status.WriteInteger(1, (long)_code);
        status.WriteText(2, _text);
    }
}
