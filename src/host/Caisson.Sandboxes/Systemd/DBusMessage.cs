using System.Buffers.Binary;

namespace Caisson.Sandboxes;

/// <summary>A message that came from a bus.</summary>
/// <param name="Kind">1 call, 2 return, 3 error, 4 signal.</param>
/// <param name="ReplyTo">The serial of the call that it answers, or 0.</param>
/// <param name="Member">The signal's name.</param>
/// <param name="Error">The error's name.</param>
/// <param name="Signature">The types of the body.</param>
/// <param name="Body">The values.</param>
internal sealed record DBusMessage(byte Kind, uint ReplyTo, string? Member, string? Error, string Signature, byte[] Body)
{
    internal const byte Call = 1;
    internal const byte Return = 2;
    internal const byte Failure = 3;
    internal const byte Signal = 4;

    /// <summary>Endianness, kind, flags, version, length of the body, serial, and the length of the fields.</summary>
    internal const int FixedBytes = 16;

    // A bus carries up to 128 MiB; nothing that systemd answers us comes near this.
    private const uint MaxBytes = 1 << 20;

    private const byte LittleEndian = (byte)'l';
    private const byte ProtocolVersion = 1;

    // Codes of header fields (D-Bus specification, "Header Fields").
    private const byte PathField = 1;
    private const byte InterfaceField = 2;
    private const byte MemberField = 3;
    private const byte ErrorField = 4;
    private const byte ReplySerialField = 5;
    private const byte DestinationField = 6;
    private const byte SignatureField = 8;

    /// <summary>The bytes of a call.</summary>
    internal static byte[] WriteCall(uint serial, DBusCall call)
    {
        var body = new DBusWriter();
        call.Arguments?.Invoke(body);
        var message = new DBusWriter();
        message.Byte(LittleEndian).Byte(Call).Byte(0).Byte(ProtocolVersion).UInt32((uint)body.Length).UInt32(serial);
        message.Array(8, fields =>
        {
            fields.Structure().Byte(PathField).Signature("o").String(call.Path);
            fields.Structure().Byte(InterfaceField).Signature("s").String(call.Interface);
            fields.Structure().Byte(MemberField).Signature("s").String(call.Member);
            if (call.Destination is { } destination)
            {
                fields.Structure().Byte(DestinationField).Signature("s").String(destination);
            }

            if (call.Signature.Length > 0)
            {
                fields.Structure().Byte(SignatureField).Signature("g").Signature(call.Signature);
            }
        });
        message.Align(8);
        return message.Raw(body.ToArray()).ToArray();
    }

    /// <summary>How many bytes follow the fixed ones: fields, padding, body.</summary>
    internal static int LengthAfter(ReadOnlySpan<byte> start, out int fieldBytes, out int bodyBytes)
    {
        if (start[0] != LittleEndian || start[3] != ProtocolVersion)
        {
            throw DBusReader.Malformed($"byte order {start[0]}, protocol version {start[3]}");
        }

        uint body = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        uint fields = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        if (body > MaxBytes || fields > MaxBytes)
        {
            throw DBusReader.Malformed($"{fields} bytes of fields and {body} of values");
        }

        fieldBytes = (int)fields;
        bodyBytes = (int)body;
        return ((fieldBytes + 7) & ~7) + bodyBytes;
    }

    internal static DBusMessage Parse(byte kind, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> body)
    {
        uint replyTo = 0;
        string? member = null;
        string? error = null;
        string signature = "";
        // The fields begin at byte 16 of the message, which is aligned to everything.
        var reader = new DBusReader(fields);
        while (!reader.AtEnd)
        {
            reader.Align(8);
            byte code = reader.Byte();
            string type = reader.Signature();
            if (code == ReplySerialField && type == "u")
            {
                replyTo = reader.UInt32();
                continue;
            }

            string? text = reader.Value(type);
            member = code == MemberField ? text : member;
            error = code == ErrorField ? text : error;
            signature = code == SignatureField && text is not null ? text : signature;
        }

        return new DBusMessage(kind, replyTo, member, error, signature, body.ToArray());
    }
}

/// <summary>A call of a method.</summary>
/// <param name="Destination">The name on the bus; null where the other end is the only one.</param>
/// <param name="Path">The object.</param>
/// <param name="Interface">The interface.</param>
/// <param name="Member">The method.</param>
/// <param name="Signature">The types of the arguments.</param>
/// <param name="Arguments">Writes the arguments.</param>
internal sealed record DBusCall(string? Destination, string Path, string Interface, string Member, string Signature = "", Action<DBusWriter>? Arguments = null);
