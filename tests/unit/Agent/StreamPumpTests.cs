using Caisson.Agent;
using Caisson.Linux;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Agent;

public sealed class StreamPumpTests : IDisposable
{
    private readonly PipePair _pipe = PipePair.Create(nonBlocking: true);
    private readonly OutputBuffer _buffer = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _abandoned = new();

    public void Dispose()
    {
        _pipe.Dispose();
        _ended.Dispose();
        _abandoned.Dispose();
    }

    [Fact]
    public async Task Output_ends_with_the_pipe()
    {
        Task pump = OutputPump.RunAsync(_pipe.Read, _buffer, _ended.Token, _abandoned.Token);
        _pipe.Write.WriteAll("text"u8);
        _pipe.Write.Dispose();
        await pump;

        Assert.True((await _buffer.ReadAsync(0, 10, default)).AtEnd);
    }

    [Fact]
    public async Task Output_ends_with_the_process_though_the_pipe_is_open()
    {
        Task pump = OutputPump.RunAsync(_pipe.Read, _buffer, _ended.Token, _abandoned.Token);
        _pipe.Write.WriteAll("text"u8);
        await _ended.CancelAsync();
        await pump;

        OutputPart part = await _buffer.ReadAsync(0, 10, default);
        Assert.Equal("text"u8.ToArray(), part.Data);
        Assert.True(part.AtEnd);
    }

    [Fact]
    public async Task What_a_survivor_goes_on_writing_is_not_taken_for_ever()
    {
        using var stop = new CancellationTokenSource();
        Task flood = Task.Run(() =>
        {
            byte[] bytes = new byte[4096];
            while (!stop.IsCancellationRequested)
            {
                _ = _pipe.Write.TryWrite(bytes, out _, out _);
            }
        });
        await _ended.CancelAsync();
        Task pump = OutputPump.RunAsync(_pipe.Read, _buffer, _ended.Token, _abandoned.Token);

        OutputPart part;
        ulong offset = 0;
        do
        {
            part = await _buffer.ReadAsync(offset, int.MaxValue, default);
            offset += (ulong)part.Data.Length;
        }
        while (!part.AtEnd);

        await stop.CancelAsync();
        await flood;
        await pump;
    }

    [Fact]
    public async Task Nobody_reads_any_more()
    {
        Task pump = OutputPump.RunAsync(_pipe.Read, _buffer, _ended.Token, _abandoned.Token);
        await _abandoned.CancelAsync();

        await pump.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Repeated_input_is_dropped_and_a_gap_refused()
    {
        using var feed = new InputFeed(_pipe.Write, isShared: false);

        Assert.Equal(4, await feed.WriteAsync(0, "0123"u8.ToArray(), default));
        Assert.Equal(4, await feed.WriteAsync(0, "0123"u8.ToArray(), default));
        Assert.Equal(6, await feed.WriteAsync(0, "012345"u8.ToArray(), default));
        TtrpcException gap = await Assert.ThrowsAsync<TtrpcException>(() => feed.WriteAsync(7, "x"u8.ToArray(), default));

        Assert.Equal(TtrpcCode.OutOfRange, gap.Code);
        Assert.Equal(6UL, feed.Received);
        byte[] got = new byte[10];
        Assert.Equal("012345"u8.ToArray(), got[..PatientIo.Read(_pipe.Read, got)]);
    }

    [Fact]
    public async Task Write_waits_for_the_reader_and_a_cancelled_one_takes_nothing()
    {
        using var feed = new InputFeed(_pipe.Write, isShared: false);
        byte[] bytes = new byte[64 * 1024];
        ulong offset = 0;
        using var patience = new CancellationTokenSource();
        Task<int> last;
        while ((last = feed.WriteAsync(offset, bytes, patience.Token)).IsCompletedSuccessfully)
        {
            offset += (ulong)await last;
        }

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last);
        Assert.Equal(offset, feed.Received);

        Task<int> next = feed.WriteAsync(offset, bytes, default);
        for (int left = (int)offset; left > 0;)
        {
            left -= PatientIo.Read(_pipe.Read, bytes.AsSpan(0, Math.Min(left, bytes.Length)));
        }

        Assert.InRange(await next.WaitAsync(TimeSpan.FromSeconds(10)), 1, bytes.Length);
    }

    [Fact]
    public async Task Closed_input_refuses_more_and_ends_a_waiting_write()
    {
        var feed = new InputFeed(_pipe.Write, isShared: false);
        byte[] bytes = new byte[64 * 1024];
        Task<int> waiting;
        do
        {
            waiting = feed.WriteAsync(null, bytes, default);
        }
        while (waiting.IsCompletedSuccessfully);

        feed.Dispose();

        Assert.Equal(TtrpcCode.FailedPrecondition, (await Assert.ThrowsAsync<TtrpcException>(() => waiting)).Code);
        Assert.True(feed.IsClosed);
    }

    [Fact]
    public async Task Reader_that_went_away_is_told_as_closed()
    {
        using var feed = new InputFeed(_pipe.Write, isShared: false);
        _pipe.Read.Dispose();

        TtrpcException closed = await Assert.ThrowsAsync<TtrpcException>(() => feed.WriteAsync(0, "x"u8.ToArray(), default));

        Assert.Equal(TtrpcCode.FailedPrecondition, closed.Code);
    }
}
