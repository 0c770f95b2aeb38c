using System.Net.Sockets;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Keepers;

public sealed class ProcessRelayTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly Socket _listener;
    private readonly NetworkStream _supervisorEnd;
    private readonly NetworkStream _keeperEnd;

    public ProcessRelayTests()
    {
        string path = Path.Combine(Path.GetTempPath(), $"relay-{Guid.NewGuid():N}.sock");
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(1);
        var dialling = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dialling.Connect(new UnixDomainSocketEndPoint(path));
        _supervisorEnd = new NetworkStream(dialling, ownsSocket: true);
        _keeperEnd = new NetworkStream(_listener.Accept(), ownsSocket: true);
        File.Delete(path);
    }

    public void Dispose()
    {
        _supervisorEnd.Dispose();
        _keeperEnd.Dispose();
        _listener.Dispose();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Output_arrives_whole_and_in_order_and_the_exit_code_after_it(bool isExec)
    {
        byte[] output = RandomBytes(50_000);
        var guest = new ScriptedGuest(output);
        Task<int> relay = await StartAsync(guest, new KeeperProgress(0, 0, 0), isExec);
        guest.Exit(7);

        var received = new MemoryStream();
        int exit = await PlayKeeperAsync(received);

        Assert.Equal(7, exit);
        Assert.Equal(7, await relay.WaitAsync(s_patience));
        Assert.Equal(output, received.ToArray());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_new_supervisor_continues_where_the_keeper_stands(bool isExec)
    {
        byte[] output = RandomBytes(20_000);
        var guest = new ScriptedGuest(output);
        Task<int> relay = await StartAsync(guest, new KeeperProgress(StdoutWritten: 12_345, 0, 0), isExec);
        guest.Exit(0);

        var received = new MemoryStream();
        await PlayKeeperAsync(received);

        Assert.Equal(0, await relay.WaitAsync(s_patience));
        Assert.Equal(output[12_345..], received.ToArray());
    }

    [Fact]
    public async Task An_exec_that_says_little_is_asked_once()
    {
        byte[] output = RandomBytes(100);
        var guest = new ScriptedGuest(output);
        guest.Exit(3);
        Task<int> relay = await StartAsync(guest, new KeeperProgress(0, 0, 0), isExec: true);

        var received = new MemoryStream();

        Assert.Equal(3, await PlayKeeperAsync(received));
        Assert.Equal(3, await relay.WaitAsync(s_patience));
        Assert.Equal(output, received.ToArray());
        Assert.Equal(0, guest.Waits);
    }

    [Fact]
    public async Task Nothing_more_is_read_from_the_guest_than_the_keeper_has_written()
    {
        var guest = new ScriptedGuest(RandomBytes(50_000));
        _ = await StartAsync(guest, new KeeperProgress(0, 0, 0));

        (KeeperFrame first, _) = await ReceiveAsync();

        Assert.Equal(KeeperFrameType.Stdout, first.Type);
        Assert.Equal(0ul, guest.HighestOffsetRead);
    }

    [Fact]
    public async Task Input_is_acknowledged_as_the_guest_takes_it_and_its_end_follows()
    {
        byte[] input = RandomBytes(3500);
        var guest = new ScriptedGuest([]);
        _ = await StartAsync(guest, new KeeperProgress(0, 0, 0));

        await SendAsync(KeeperFrameType.Stdin, 0, input);
        ulong taken = 0;
        while (taken < (ulong)input.Length)
        {
            (KeeperFrame frame, _) = await ReceiveAsync();
            Assert.Equal(KeeperFrameType.StdinTaken, frame.Type);
            taken = frame.Value;
        }

        await SendAsync(KeeperFrameType.StdinClosed, taken, []);
        await guest.StdinClosed.Task.WaitAsync(s_patience);
        Assert.Equal(input, guest.Stdin);
    }

    [Fact]
    public async Task A_process_that_does_not_read_still_gets_signals_and_sizes()
    {
        var guest = new ScriptedGuest([]) { InputBlocked = new TaskCompletionSource().Task };
        _ = await StartAsync(guest, new KeeperProgress(0, 0, 0));

        await SendAsync(KeeperFrameType.Stdin, 0, RandomBytes(1000));
        await SendAsync(KeeperFrameType.WindowSize, (40 << 16) | 132, []);
        await SendAsync(KeeperFrameType.Signal, 15, []);

        await Eventually(() => guest.Signals.Contains(15) && guest.Sizes.Contains((40, 132)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_lost_keeper_kills_the_process_it_stands_for(bool isExec)
    {
        var guest = new ScriptedGuest([]);
        Task<int> relay = await StartAsync(guest, new KeeperProgress(0, 0, 0), isExec);

        _keeperEnd.Dispose();

        Assert.Equal(137, await relay.WaitAsync(s_patience));
        Assert.Contains(9, guest.Signals);
    }

    [Fact]
    public async Task A_guest_that_garbles_the_output_is_not_waited_for()
    {
        var guest = new ScriptedGuest([]) { StdoutFailure = new GuestException("output: garbled") };
        Task<int> relay = await StartAsync(guest, new KeeperProgress(0, 0, 0));

        await Assert.ThrowsAsync<GuestException>(() => relay.WaitAsync(s_patience));
    }

    [Fact]
    public async Task A_keeper_that_claims_a_huge_payload_is_dropped()
    {
        var guest = new ScriptedGuest([]);
        Task<int> relay = await StartAsync(guest, new KeeperProgress(0, 0, 0));

        byte[] header = new byte[KeeperFrame.HeaderLength];
        new KeeperFrame(KeeperFrameType.Stdin, 0, int.MaxValue).WriteHeader(header);
        await _keeperEnd.WriteAsync(header);

        Assert.Equal(137, await relay.WaitAsync(s_patience));
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private async Task<Task<int>> StartAsync(ScriptedGuest guest, KeeperProgress progress, bool isExec = false)
    {
        byte[] payload = new byte[KeeperProgress.Length];
        progress.Write(payload);
        await SendAsync(KeeperFrameType.Progress, 0, payload);
        KeeperLink link = await KeeperLink.OpenAsync(_supervisorEnd, CancellationToken.None);
        return new ProcessRelay(guest, link, terminal: false, isExec).RunAsync(_ => { }, CancellationToken.None);
    }

    private async Task<int> PlayKeeperAsync(MemoryStream received)
    {
        ulong start = 0;
        while (true)
        {
            (KeeperFrame frame, byte[] payload) = await ReceiveAsync();
            if (frame.Type == KeeperFrameType.Exit)
            {
                await SendAsync(KeeperFrameType.ExitTaken, 0, []);
                return (int)frame.Value;
            }

            start = received.Length == 0 ? frame.Value : start;
            Assert.Equal(start + (ulong)received.Length, frame.Value);
            received.Write(payload);
            await SendAsync(KeeperFrameType.StdoutWritten, start + (ulong)received.Length, []);
        }
    }

    private async Task SendAsync(KeeperFrameType type, ulong value, byte[] payload)
    {
        byte[] bytes = new byte[KeeperFrame.HeaderLength + payload.Length];
        new KeeperFrame(type, value, payload.Length).WriteHeader(bytes);
        payload.CopyTo(bytes, KeeperFrame.HeaderLength);
        await _keeperEnd.WriteAsync(bytes);
    }

    private async Task<(KeeperFrame Frame, byte[] Payload)> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        byte[] header = new byte[KeeperFrame.HeaderLength];
        await _keeperEnd.ReadExactlyAsync(header, limit.Token);
        KeeperFrame frame = KeeperFrame.ReadHeader(header);
        byte[] payload = new byte[frame.PayloadLength];
        await _keeperEnd.ReadExactlyAsync(payload, limit.Token);
        return (frame, payload);
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
