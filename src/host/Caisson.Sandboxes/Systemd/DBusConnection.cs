using System.Diagnostics;
using System.Globalization;
using System.Text;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// A connection with a bus, for one command: calls one after the other, in the calling thread. Libraries for D-Bus answer in threads of
/// their own, which a command that clones itself must not have.
/// </summary>
internal sealed class DBusConnection : IDisposable
{
    private const string BusName = "org.freedesktop.DBus";
    private const string BusPath = "/org/freedesktop/DBus";

    // An answer of the server while it authenticates is one line.
    private const int MaxLineBytes = 512;

    private readonly UnixSocket _socket;
    private readonly string _address;
    private readonly Queue<DBusMessage> _signals = new();
    private readonly TimeSpan _patience;
    private uint _lastSerial;

    private DBusConnection(UnixSocket socket, string address, TimeSpan patience)
    {
        _socket = socket;
        _address = address;
        _patience = patience;
    }

    /// <summary>Whether names on a bus are to be given; without it the other end is a service itself.</summary>
    internal bool IsBus { get; private init; }

    /// <summary>Connects and says who we are.</summary>
    /// <param name="path">The socket.</param>
    /// <param name="isBus">Whether a bus listens there, or the service itself.</param>
    /// <param name="patience">How long an answer may take.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="why">Why nobody answers.</param>
    internal static bool TryConnect(string path, bool isBus, TimeSpan patience, out DBusConnection? connection, out Errno why)
    {
        connection = null;
        if (!UnixSocket.TryConnect(path, out UnixSocket? socket, out why))
        {
            return false;
        }

        connection = new DBusConnection(socket, path, patience) { IsBus = isBus };
        try
        {
            connection.Authenticate();
            if (isBus)
            {
                connection.Call(new DBusCall(BusName, BusPath, BusName, "Hello"));
            }

            return true;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Asks the bus for a kind of signals.</summary>
    internal void Match(string rule)
    {
        if (IsBus)
        {
            Call(new DBusCall(BusName, BusPath, BusName, "AddMatch", "s", arguments => arguments.String(rule)));
        }
    }

    /// <exception cref="DBusErrorException">The other end answered with an error.</exception>
    internal DBusMessage Call(DBusCall call)
    {
        uint serial = ++_lastSerial;
        Write(DBusMessage.WriteCall(serial, IsBus ? call : call with { Destination = null }));
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            DBusMessage message = Receive(start, call.Member);
            if (message.Kind == DBusMessage.Signal)
            {
                _signals.Enqueue(message);
            }
            else if (message.ReplyTo == serial)
            {
                return message.Kind == DBusMessage.Return ? message : throw Refused(call, message);
            }
        }
    }

    /// <summary>The next signal, of those that came during calls first.</summary>
    internal DBusMessage NextSignal(long start, string waitingFor)
    {
        while (true)
        {
            if (_signals.TryDequeue(out DBusMessage? earlier))
            {
                return earlier;
            }

            DBusMessage message = Receive(start, waitingFor);
            if (message.Kind == DBusMessage.Signal)
            {
                return message;
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    // SASL's EXTERNAL: the kernel tells the other end our uid, and we name the same one, in hexadecimal digits of its decimal ones.
    private void Authenticate()
    {
        string uid = UserIds.EffectiveUser.ToString(CultureInfo.InvariantCulture);
        string hex = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(uid));
        Write(Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {hex}\r\n"));
        string answer = ReadLine();
        if (!answer.StartsWith("OK ", StringComparison.Ordinal))
        {
            throw new SandboxException($"D-Bus at {_address} does not let user {uid} in: {answer}");
        }

        // Together, and answered before anything follows: a message that systemd reads with BEGIN it does not look at until more comes.
        Write("NEGOTIATE_UNIX_FD\r\nBEGIN\r\n"u8);
        ReadLine();
    }

    private string ReadLine()
    {
        long start = Stopwatch.GetTimestamp();
        var line = new List<byte>();
        byte[] one = new byte[1];
        while (line.Count < MaxLineBytes)
        {
            Fill(one, start, "AUTH");
            if (one[0] == (byte)'\n')
            {
                return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
            }

            line.Add(one[0]);
        }

        throw DBusReader.Malformed("a line without an end");
    }

    private DBusMessage Receive(long start, string waitingFor)
    {
        byte[] head = new byte[DBusMessage.FixedBytes];
        Fill(head, start, waitingFor);
        byte[] rest = new byte[DBusMessage.LengthAfter(head, out int fields, out int body)];
        Fill(rest, start, waitingFor);
        return DBusMessage.Parse(head[1], rest.AsSpan(0, fields), rest.AsSpan(rest.Length - body));
    }

    private void Fill(Span<byte> buffer, long start, string waitingFor)
    {
        while (!buffer.IsEmpty)
        {
            TimeSpan left = _patience - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || Poller.Wait(_socket, PollEvents.In, left) == PollEvents.None)
            {
                throw new SandboxException($"systemd: no answer to {waitingFor} over D-Bus at {_address} within {_patience.TotalSeconds:0} s");
            }

            int count = _socket.Read(buffer);
            if (count == 0)
            {
                throw new SandboxException($"systemd: D-Bus at {_address} closed the connection before it answered {waitingFor}");
            }

            buffer = buffer[count..];
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _socket.Write(bytes);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"systemd: D-Bus at {_address}: {Failure.Words(cause.Errno)}", cause);
        }
    }

    private static DBusErrorException Refused(DBusCall call, DBusMessage message)
    {
        string text = message.Signature.StartsWith('s') ? new DBusReader(message.Body).String() : "";
        return new DBusErrorException(call.Member, message.Error ?? "an error without a name", text);
    }
}

/// <summary>A call over D-Bus was answered with an error.</summary>
internal sealed class DBusErrorException(string member, string name, string text) : SandboxException($"systemd: {member}: {text} ({name})")
{
    /// <summary>Such as <c>org.freedesktop.systemd1.NoSuchUnit</c>.</summary>
    internal string Name { get; } = name;
}
