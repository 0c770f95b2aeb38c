using Caisson.Agent;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Agent;

public sealed class OutputBufferTests
{
    private readonly OutputBuffer _buffer = new();

    [Fact]
    public async Task Bytes_stay_until_a_later_offset_is_asked_for()
    {
        _buffer.Append("0123456789"u8);

        Assert.Equal("0123"u8.ToArray(), (await _buffer.ReadAsync(0, 4, default)).Data);
        Assert.Equal("0123456789"u8.ToArray(), (await _buffer.ReadAsync(0, 100, default)).Data);
        OutputPart later = await _buffer.ReadAsync(7, 100, default);
        Assert.Equal((7UL, "789"), (later.Offset, System.Text.Encoding.ASCII.GetString(later.Data)));
        Assert.Equal(TtrpcCode.OutOfRange, (await Assert.ThrowsAsync<TtrpcException>(() => _buffer.ReadAsync(6, 1, default))).Code);
        Assert.Equal(TtrpcCode.OutOfRange, (await Assert.ThrowsAsync<TtrpcException>(() => _buffer.ReadAsync(11, 1, default))).Code);
        Assert.Equal(7UL, _buffer.Acknowledged);
    }

    [Fact]
    public async Task Without_an_offset_what_was_returned_is_gone()
    {
        _buffer.Append("abc"u8);

        Assert.Equal("ab"u8.ToArray(), (await _buffer.ReadAsync(null, 2, default)).Data);
        Assert.Equal("c"u8.ToArray(), (await _buffer.ReadAsync(null, 2, default)).Data);
        Assert.Equal(3UL, _buffer.Acknowledged);
    }

    [Fact]
    public async Task Cancelled_read_loses_nothing()
    {
        using var cancel = new CancellationTokenSource();
        Task<OutputPart> dead = _buffer.ReadAsync(0, 10, cancel.Token);
        Task<OutputPart> alive = _buffer.ReadAsync(0, 10, default);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dead);

        _buffer.Append("late"u8);

        Assert.Equal("late"u8.ToArray(), (await alive).Data);
        Assert.Equal("late"u8.ToArray(), (await _buffer.ReadAsync(0, 10, default)).Data);
    }

    [Fact]
    public async Task The_end_is_told_with_the_last_bytes_and_again_after_them()
    {
        _buffer.Append("end"u8);
        _buffer.Finish();

        Assert.False((await _buffer.ReadAsync(0, 2, default)).AtEnd);
        Assert.True((await _buffer.ReadAsync(0, 3, default)).AtEnd);
        OutputPart after = await _buffer.ReadAsync(3, 3, default);
        Assert.True(after.AtEnd);
        Assert.Empty(after.Data);
    }

    [Fact]
    public async Task Full_buffer_takes_no_more_until_something_is_acknowledged()
    {
        byte[] bytes = new byte[OutputBuffer.CapacityBytes + 1];
        new Random(1).NextBytes(bytes);

        Assert.Equal(OutputBuffer.CapacityBytes, _buffer.Append(bytes));
        Task room = _buffer.WaitForRoomAsync(default).AsTask();
        Assert.False(room.IsCompleted);
        await _buffer.ReadAsync(1, 1, default);
        await room.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, _buffer.Append(bytes.AsSpan(OutputBuffer.CapacityBytes)));
        Assert.Equal(0, _buffer.Room());

        ulong offset = 1;
        var got = new List<byte>();
        while (offset < (ulong)bytes.Length)
        {
            OutputPart part = await _buffer.ReadAsync(offset, int.MaxValue, default);
            got.AddRange(part.Data);
            offset += (ulong)part.Data.Length;
        }

        Assert.Equal(bytes[1..], got);
    }

    [Fact]
    public async Task Every_byte_comes_once_whatever_the_sizes()
    {
        var random = new Random(42);
        byte[] bytes = new byte[2_000_000];
        random.NextBytes(bytes);
        Task writing = Task.Run(async () =>
        {
            int at = 0;
            while (at < bytes.Length)
            {
                await _buffer.WaitForRoomAsync(default);
                at += _buffer.Append(bytes.AsSpan(at, Math.Min(random.Next(1, 70_000), bytes.Length - at)));
            }

            _buffer.Finish();
        });

        var got = new List<byte>();
        var sizes = new Random(43);
        OutputPart part;
        do
        {
            part = await _buffer.ReadAsync((ulong)got.Count, sizes.Next(1, 100_000), default);
            got.AddRange(part.Data);
        }
        while (!part.AtEnd);

        await writing;
        Assert.Equal(bytes, got);
    }
}
