using System.Runtime.InteropServices;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class EventLoopTests
{
    [Fact]
    public void Kernel_structures_have_the_kernels_sizes()
    {
        Assert.Equal(12, Marshal.SizeOf<Libc.EpollEvent>());
        Assert.Equal(8, Marshal.SizeOf<Libc.PollFd>());
        Assert.Equal(88, Marshal.SizeOf<Libc.CloneArgs>());
        Assert.Equal(128, Marshal.SizeOf<Libc.ChildInfo>());
        Assert.Equal(56, Marshal.SizeOf<Libc.MessageHeader>());
        Assert.Equal(72, Marshal.SizeOf<CloneMemory.Entry>());
        Assert.Equal(24, Marshal.OffsetOf<Libc.ChildInfo>(nameof(Libc.ChildInfo.Status)));
    }

    [Fact]
    public async Task End_of_a_process_is_awaited()
    {
        using var loop = new EventLoop();
        using ClonedProcess child = new PreparedClone().ResetSignals().Execve("/bin/sh", ["sh", "-c", "exit 4"], []).Start();
        ExitStatus status = await child.PidFd.WaitAsync(loop, CancellationToken.None);
        Assert.Equal(4, status.Code);
    }

    [Fact]
    public async Task Stream_carries_more_than_a_socket_buffer_both_ways_at_once()
    {
        using var loop = new EventLoop();
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        await using var left = new DescriptorStream(first, loop);
        await using var right = new DescriptorStream(second, loop);
        byte[] data = new byte[3 * 1024 * 1024];
        new Random(1).NextBytes(data);
        Task leftWrites = left.WriteAsync(data).AsTask();
        Task rightWrites = right.WriteAsync(data).AsTask();
        byte[] atRight = new byte[data.Length];
        byte[] atLeft = new byte[data.Length];
        await Task.WhenAll(leftWrites, rightWrites, right.ReadExactlyAsync(atRight).AsTask(), left.ReadExactlyAsync(atLeft).AsTask());
        Assert.Equal(data, atRight);
        Assert.Equal(data, atLeft);
        first.Shutdown(ShutdownSide.Write);
        Assert.Equal(0, await right.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task Cancelled_read_leaves_the_stream_usable()
    {
        using var loop = new EventLoop();
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        await using var left = new DescriptorStream(first, loop);
        await using var right = new DescriptorStream(second, loop);
        using var cancel = new CancellationTokenSource();
        Task<int> read = left.ReadAsync(new byte[1], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await right.WriteAsync(new byte[] { 5 });
        byte[] buffer = new byte[1];
        Assert.Equal(1, await left.ReadAsync(buffer));
        Assert.Equal(5, buffer[0]);
    }

    [Fact]
    public async Task Disposed_stream_ends_its_waiting_read()
    {
        using var loop = new EventLoop();
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        using (second)
        {
            var left = new DescriptorStream(first, loop);
            Task<int> read = left.ReadAsync(new byte[1]).AsTask();
            await left.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => read);
            Assert.Equal(0, second.Read(new byte[1])); // really closed, although it was awaited
        }
    }

    [Fact]
    public async Task Regular_file_is_always_ready()
    {
        using var loop = new EventLoop();
        using FileStream file = File.OpenRead("/etc/passwd");
        using PidFd self = PidFd.Open(Environment.ProcessId);
        using FileFd copy = self.CopyDescriptor((int)file.SafeFileHandle.DangerousGetHandle());
        Assert.Equal(PollEvents.In, await loop.Ready(copy, PollEvents.In, CancellationToken.None));
    }

    [Fact]
    public async Task Connection_is_awaited()
    {
        using var loop = new EventLoop();
        string path = Path.Combine(Path.GetTempPath(), $"caisson-{Guid.NewGuid():N}.sock");
        using UnixSocket listener = UnixSocket.Listen(path);
        Task<UnixSocket> accepting = listener.AcceptAsync(loop, CancellationToken.None).AsTask();
        using UnixSocket client = UnixSocket.Connect(path);
        using UnixSocket server = await accepting;
        File.Delete(path);
        await using var stream = new DescriptorStream(client, loop, ownsDescriptor: false);
        server.Write("z"u8);
        Assert.Equal(1, await stream.ReadAsync(new byte[4]));
    }

    [Fact]
    public void Wait_for_several_reports_the_ready_one_only()
    {
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        using (first)
        using (second)
        {
            second.Write("a"u8);
            PollTarget[] targets = [new(null, PollEvents.In), new(first, PollEvents.In), new(second, PollEvents.In)];
            Assert.Equal(1, Poller.Wait(targets, TimeSpan.FromSeconds(5)));
            Assert.Equal(PollEvents.In, targets[1].Returned);
            Assert.Equal(PollEvents.None, targets[2].Returned);
            Assert.Equal(PollEvents.None, Poller.Wait(second, PollEvents.In, TimeSpan.FromMilliseconds(20)));
        }
    }
}
