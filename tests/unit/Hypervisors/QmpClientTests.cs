using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Caisson.Hypervisors;

namespace Caisson.UnitTests.Hypervisors;

/// <summary>The client against a monitor that the test plays itself, over a real socket.</summary>
public sealed class QmpClientTests
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": []}}""";

    [Fact]
    public async Task Command_is_sent_with_its_arguments_and_answered()
    {
        await using Session session = await Session.OpenAsync();

        Task<JsonElement> answer = session.Client.ExecuteAsync("device_del", json => json.WriteString("id", "a\"b"));
        Assert.Equal("""{"execute":"device_del","arguments":{"id":"a\u0022b"},"id":2}""", await session.ReadAsync());
        await session.WriteAsync("""{"return": {"x": 5}, "id": 2}""");

        Assert.Equal(5, (await answer).GetProperty("x").GetInt32());
        Assert.Equal("7.2.0", session.Client.Version);
    }

    [Fact]
    public async Task Refusal_is_an_exception_with_the_words_of_qemu()
    {
        await using Session session = await Session.OpenAsync();

        Task<JsonElement> answer = session.Client.ExecuteAsync("cont");
        await session.ReadAsync();
        await session.WriteAsync("""{"error": {"class": "GenericError", "desc": "Resetting the Virtual Machine is required"}, "id": 2}""");

        QmpException refused = await Assert.ThrowsAsync<QmpException>(() => answer);
        Assert.Equal("qmp: cont: Resetting the Virtual Machine is required", refused.Message);
        Assert.Equal("GenericError", refused.ErrorClass);
    }

    [Fact]
    public async Task Events_between_command_and_answer_are_delivered()
    {
        var events = new List<string>();
        await using Session session = await Session.OpenAsync(happened => events.Add(happened.Name));

        Task<JsonElement> answer = session.Client.ExecuteAsync("stop");
        await session.ReadAsync();
        await session.WriteAsync("""{"event": "STOP"}""" + "\r\n" + """{"return": {}, "id": 2}""");
        await answer;

        Assert.Equal(["STOP"], events);
    }

    [Fact]
    public async Task An_answer_in_single_bytes_is_put_together()
    {
        await using Session session = await Session.OpenAsync();

        Task<JsonElement> answer = session.Client.ExecuteAsync("query-status");
        await session.ReadAsync();
        foreach (byte one in Encoding.UTF8.GetBytes("""{"return": {"status": "paused"}, "id": 2}""" + "\n"))
        {
            await session.Monitor.WriteAsync(new[] { one });
        }

        Assert.Equal("paused", (await answer).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Silence_ends_in_a_timeout_and_the_late_answer_is_dropped()
    {
        await using Session session = await Session.OpenAsync();

        await Assert.ThrowsAsync<QmpException>(() => session.Client.ExecuteAsync("stop", timeout: TimeSpan.FromMilliseconds(50)));
        await session.ReadAsync();
        Task<JsonElement> answer = session.Client.ExecuteAsync("cont");
        await session.ReadAsync();
        await session.WriteAsync("""{"return": {"late": 1}, "id": 2}""" + "\n" + """{"return": {"late": 0}, "id": 3}""");

        Assert.Equal(0, (await answer).GetProperty("late").GetInt32());
    }

    [Fact]
    public async Task A_line_without_end_is_refused_at_the_limit()
    {
        await using Session session = await Session.OpenAsync();

        Task<JsonElement> answer = session.Client.ExecuteAsync("query-status");
        Task flood = FloodAsync(session.Monitor);

        QmpException refused = await Assert.ThrowsAsync<QmpException>(() => answer);
        Assert.Contains("longer than 1048576 bytes", refused.Message, StringComparison.Ordinal);
        await session.Client.DisposeAsync();
        await flood;
    }

    [Fact]
    public async Task Death_of_qemu_fails_the_waiting_command_and_later_ones()
    {
        await using Session session = await Session.OpenAsync();

        Task<JsonElement> answer = session.Client.ExecuteAsync("quit");
        await session.ReadAsync();
        await session.Monitor.DisposeAsync();

        Assert.Contains("closed the connection", (await Assert.ThrowsAsync<QmpException>(() => answer)).Message, StringComparison.Ordinal);
        await session.Client.Closed;
        await Assert.ThrowsAsync<QmpException>(() => session.Client.ExecuteAsync("quit"));
    }

    [Theory]
    [InlineData("""{"event": "STOP"}""")]
    [InlineData("garbage")]
    public async Task Without_greeting_there_is_no_connection(string firstLine)
    {
        (Stream ours, Stream theirs) = Pair();
        await using (theirs)
        {
            await theirs.WriteAsync(Encoding.UTF8.GetBytes(firstLine + "\n"));

            await Assert.ThrowsAsync<QmpException>(() => QmpClient.ConnectAsync(ours, _ => { }, CancellationToken.None));
        }
    }

    private static async Task FloodAsync(Stream monitor)
    {
        try
        {
            for (int sent = 0; sent < 64; sent++)
            {
                await monitor.WriteAsync(new byte[64 * 1024]);
            }
        }
        catch (IOException)
        {
            // The client has closed: what the test waits for.
        }
    }

    private static (Stream Ours, Stream Theirs) Pair()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string path = Path.Combine(Path.GetTempPath(), $"qmp-{Guid.NewGuid():N}");
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        File.Delete(path);
        return (new NetworkStream(client, ownsSocket: true), new NetworkStream(listener.Accept(), ownsSocket: true));
    }

    private sealed class Session(QmpClient client, Stream monitor, StreamReader reader) : IAsyncDisposable
    {
        internal QmpClient Client => client;

        internal Stream Monitor => monitor;

        internal static async Task<Session> OpenAsync(Action<QmpMessage.Notification>? onEvent = null)
        {
            (Stream ours, Stream theirs) = Pair();
            var reader = new StreamReader(theirs);
            Task<QmpClient> connecting = QmpClient.ConnectAsync(ours, onEvent ?? (_ => { }), CancellationToken.None);
            await theirs.WriteAsync(Encoding.UTF8.GetBytes(Greeting + "\n"));
            Assert.Equal("""{"execute":"qmp_capabilities","id":1}""", await reader.ReadLineAsync());
            await theirs.WriteAsync("""{"return": {}, "id": 1}"""u8.ToArray());
            await theirs.WriteAsync("\n"u8.ToArray());
            return new Session(await connecting, theirs, reader);
        }

        internal async Task<string?> ReadAsync() => await reader.ReadLineAsync();

        internal async Task WriteAsync(string line) => await monitor.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            reader.Dispose();
        }
    }
}
