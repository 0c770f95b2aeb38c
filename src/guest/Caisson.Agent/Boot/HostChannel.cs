using Caisson.Linux;
using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>The way to the host: a named port on virtio-serial, or vsock.</summary>
internal static partial class HostChannel
{
    internal const string PortName = "agent.channel.0";

    // Kata's vsock port of the agent.
    private const uint VsockPort = 1024;

    internal static Task ServeAsync(TtrpcServer server, BootOptions options, UeventListener events) =>
        options.UsesVsock ? ServeVsockAsync(server) : ServeSerialAsync(server, events);

    private static async Task ServeSerialAsync(TtrpcServer server, UeventListener events)
    {
        FileFd port = VirtioPort.Open(PortName, events);
        GuestPower.AnswersThrough(port);
        using EdgePoll edges = EdgePoll.Of(port, PollEvents.In | PollEvents.Out);
        Stream stream = new DescriptorStream(port, EventLoop.Shared);
        Corrupt(ref stream);
        await using var listener = new SerialListener(
            stream,
            stop => edges.WaitAsync(EventLoop.Shared, stop));
        await listener.ServeAsync(server, SessionEnded);
    }

    // Implemented in builds with test faults only.
    static partial void Corrupt(ref Stream port);

    private static async Task ServeVsockAsync(TtrpcServer server)
    {
        using VsockSocket listener = VsockSocket.Listen(VsockPort);
        while (true)
        {
            (VsockSocket connection, VsockAddress peer) = await listener.AcceptAsync(EventLoop.Shared, CancellationToken.None);
            if (peer.ContextId == VsockSocket.HostContext)
            {
                _ = ServeConnectionAsync(server, connection);
            }
            else
            {
                // Vsock knows no namespaces: a container of this machine may have found us.
                connection.Dispose();
            }
        }
    }

    private static async Task ServeConnectionAsync(TtrpcServer server, VsockSocket connection)
    {
        try
        {
            await server.ServeAsync(new DescriptorStream(connection, EventLoop.Shared));
        }
        catch (Exception ended) when (ended is IOException or SyscallException or OperationCanceledException)
        {
            SessionEnded(ended);
        }
    }

    private static void SessionEnded(Exception? why) => ConsoleLog.Detail($"session ended: {why?.Message ?? "the host hung up"}");
}
