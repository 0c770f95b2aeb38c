using System.Buffers.Binary;

namespace Caisson.Sandboxes;

/// <summary>What a frame between a keeper and its supervisor says.</summary>
internal enum KeeperFrameType : byte
{
    /// <summary>Keeper to supervisor, first on every connection: how far each stream got (<see cref="KeeperProgress"/>).</summary>
    Progress = (byte)'p',

    /// <summary>Supervisor to keeper: bytes of standard output; the value is the offset of the first.</summary>
    Stdout = (byte)'O',

    /// <summary>Supervisor to keeper: bytes of standard error; the value is the offset of the first.</summary>
    Stderr = (byte)'E',

    /// <summary>Keeper to supervisor: the value is how many bytes of standard output have been written so far.</summary>
    StdoutWritten = (byte)'o',

    /// <summary>Keeper to supervisor: the value is how many bytes of standard error have been written so far.</summary>
    StderrWritten = (byte)'e',

    /// <summary>Keeper to supervisor: bytes of standard input; the value is the offset of the first.</summary>
    Stdin = (byte)'I',

    /// <summary>Supervisor to keeper: the value is how many bytes of standard input the guest has taken so far.</summary>
    StdinTaken = (byte)'i',

    /// <summary>Keeper to supervisor: standard input ended; the value is its whole length.</summary>
    StdinClosed = (byte)'c',

    /// <summary>Keeper to supervisor: a signal was sent to the keeper; the value is its number.</summary>
    Signal = (byte)'s',

    /// <summary>Keeper to supervisor: the terminal's size; rows in bits 16 to 31 of the value, columns in bits 0 to 15.</summary>
    WindowSize = (byte)'w',

    /// <summary>Supervisor to keeper: the process ended and all output was sent; the value is the exit code.</summary>
    Exit = (byte)'X',

    /// <summary>Keeper to supervisor: the exit code is known and everything was written; the keeper ends now.</summary>
    ExitTaken = (byte)'x',
}

/// <summary>
/// The wire form between a keeper and its supervisor: type (1 byte), value (8 bytes), payload length (4 bytes), payload; little endian,
/// because both ends are the same executable on the same machine. Offsets count bytes of a stream since the process began, so that a new
/// supervisor neither loses nor repeats a byte.
/// </summary>
internal readonly record struct KeeperFrame(KeeperFrameType Type, ulong Value, int PayloadLength)
{
    /// <summary>Bytes before the payload.</summary>
    internal const int HeaderLength = 13;

    /// <summary>The largest payload: what one read of the guest's output returns at most. A longer one is a broken peer.</summary>
    internal const int MaxPayload = 128 * 1024;

    internal void WriteHeader(Span<byte> destination)
    {
        destination[0] = (byte)Type;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[1..], Value);
        BinaryPrimitives.WriteInt32LittleEndian(destination[9..], PayloadLength);
    }

    /// <exception cref="InvalidDataException">The length is beyond <see cref="MaxPayload"/> or the type is unknown.</exception>
    internal static KeeperFrame ReadHeader(ReadOnlySpan<byte> header)
    {
        var type = (KeeperFrameType)header[0];
        int length = BinaryPrimitives.ReadInt32LittleEndian(header[9..]);
        if (!Enum.IsDefined(type))
        {
            throw new InvalidDataException($"keeper protocol: unknown frame type {header[0]}");
        }

        if (length is < 0 or > MaxPayload)
        {
            throw new InvalidDataException($"keeper protocol: a payload of {length} bytes; at most {MaxPayload} are allowed");
        }

        return new KeeperFrame(type, BinaryPrimitives.ReadUInt64LittleEndian(header[1..]), length);
    }
}

/// <summary>How far a keeper's streams got; the payload of <see cref="KeeperFrameType.Progress"/>.</summary>
/// <param name="StdoutWritten">Bytes of standard output that are written for good.</param>
/// <param name="StderrWritten">Bytes of standard error that are written for good.</param>
/// <param name="StdinTaken">Bytes of standard input that a supervisor has acknowledged; the keeper resends from here.</param>
internal readonly record struct KeeperProgress(ulong StdoutWritten, ulong StderrWritten, ulong StdinTaken)
{
    internal const int Length = 24;

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, StdoutWritten);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], StderrWritten);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], StdinTaken);
    }

    internal static KeeperProgress Read(ReadOnlySpan<byte> payload) => payload.Length == Length
        ? new(
            BinaryPrimitives.ReadUInt64LittleEndian(payload),
            BinaryPrimitives.ReadUInt64LittleEndian(payload[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]))
        : throw new InvalidDataException($"keeper protocol: progress of {payload.Length} bytes; {Length} were expected");
}
