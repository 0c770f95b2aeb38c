using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Files;

public sealed class DescriptorTests
{
    [Fact]
    public void Structs_have_the_kernel_sizes()
    {
        Assert.Equal(24, Unsafe.SizeOf<OpenHow>());
        Assert.Equal(256, Unsafe.SizeOf<StatxBuffer>());
        Assert.Equal(32, Unsafe.SizeOf<MountAttr>());
        Assert.Equal(120, Unsafe.SizeOf<StatfsBuffer>());
        Assert.Equal(8, Unsafe.SizeOf<CapabilityHeader>());
        Assert.Equal(24, Unsafe.SizeOf<CapabilityData>());
        Assert.Equal(16, Unsafe.SizeOf<ResourceLimitPair>());
        Assert.Equal(56, Unsafe.SizeOf<SchedulingAttributes>());
        Assert.Equal(104, Unsafe.SizeOf<MemoryMapOfProcess>());
        Assert.Equal(32, Unsafe.SizeOf<KernelSignalAction>());
        Assert.Equal(128, Unsafe.SizeOf<SignalFdInfo>());
        Assert.Equal(8, Unsafe.SizeOf<WindowSize>());
        Assert.Equal(36, Unsafe.SizeOf<TerminalAttributes>());
        Assert.Equal(8, Unsafe.SizeOf<BpfInstruction>());
        Assert.Equal(16, Unsafe.SizeOf<BpfProgramHeader>());
    }

    [Fact]
    public void Pipe_carries_bytes_and_ends_when_the_writer_closes()
    {
        using PipePair pipe = PipePair.Create();
        pipe.Write.WriteAll("hello");
        pipe.Write.Dispose();

        Assert.Equal("hello"u8.ToArray(), pipe.Read.ReadToEnd(100));
    }

    [Fact]
    public void File_above_the_limit_is_refused()
    {
        using PipePair pipe = PipePair.Create();
        pipe.Write.WriteAll(new byte[11]);
        pipe.Write.Dispose();

        Assert.Equal(Errno.EFBIG, Assert.Throws<SyscallException>(() => pipe.Read.ReadToEnd(10)).Errno);
    }

    [Fact]
    public void Every_descriptor_is_close_on_exec_until_asked_otherwise()
    {
        using PipePair pipe = PipePair.Create();
        using EventFd doorbell = EventFd.Create();
        using MemFd memory = MemFd.Create("test");
        using FileFd copy = pipe.Read.Duplicate();

        foreach (FileDescriptor fd in new FileDescriptor[] { pipe.Read, pipe.Write, doorbell, memory, copy })
        {
            Assert.True(ClosesOnExec(fd), fd.ProcPath);
        }

        copy.SetCloseOnExec(false);
        Assert.False(ClosesOnExec(copy));
    }

    [Fact]
    public void Eventfd_counts()
    {
        using EventFd doorbell = EventFd.Create();
        Assert.False(doorbell.TryTake(out _));
        doorbell.Ring();
        doorbell.Ring();

        Assert.True(doorbell.TryTake(out ulong count));
        Assert.Equal(2u, count);
    }

    [Fact]
    public void Sealed_memfd_cannot_be_written()
    {
        using FileFd source = FileCalls.Open("/proc/self/exe", OpenFlags.O_RDONLY);
        using MemFd memory = MemFd.Create("copy", executable: true);
        memory.AppendFrom(source);
        memory.Seal(MemFdSeals.All);

        Assert.Equal(FileCalls.Stat(source).Size, FileCalls.Stat(memory).Size);
        Assert.False(memory.TryWrite("x"u8, out _, out Errno why));
        Assert.Equal(Errno.EPERM, why);
    }

    // What holds a page for long is only seen where it is made to: here a pipe does, until it is read.
    [Fact]
    public void Memfd_is_sealed_also_while_somebody_holds_a_page_of_it()
    {
        using MemFd memory = MemFd.Create("held");
        memory.WriteAll("page"u8);
        using var pipe = PipePair.Create();
        long start = 0;
        Assert.Equal(4, Splice(memory.Number, ref start, pipe.Write.Number, 0, 4, 0));
        var reader = new Thread(() =>
        {
            // Longer than the kernel itself waits.
            Thread.Sleep(TimeSpan.FromSeconds(1));
            _ = pipe.Read.Read(new byte[4]);
        });
        reader.Start();

        memory.Seal(MemFdSeals.All);

        reader.Join();
        Assert.False(memory.TryWrite("x"u8, out _, out Errno why));
        Assert.Equal(Errno.EPERM, why);
    }

    [Fact]
    public void Small_files_are_read_and_written_whole()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["f"], new string('x', 10_000));
        SmallFile.Write(scratch["f"], "yz");

        Assert.StartsWith("yzxx", SmallFile.ReadText(scratch["f"]));
        Assert.Equal(10_000, SmallFile.Read(scratch["f"]).Length);
        Assert.False(SmallFile.TryReadText(scratch["none"], out _, out Errno why));
        Assert.Equal(Errno.ENOENT, why);
    }

    [Fact]
    public void Lock_keeps_others_out_until_it_closes()
    {
        using var scratch = new Scratch();
        using FileFd first = FileCalls.Open(scratch["lock"], OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0x180);
        using FileFd second = FileCalls.Open(scratch["lock"], OpenFlags.O_RDWR);
        Assert.True(FileCalls.TryLock(first, exclusive: true, wait: true, out _));

        Assert.False(FileCalls.TryLock(second, exclusive: false, wait: false, out Errno why));
        Assert.Equal(Errno.EAGAIN, why);
        first.Dispose();
        Assert.True(FileCalls.TryLock(second, exclusive: false, wait: true, out _));
    }

    [Fact]
    public void Device_numbers_are_encoded_as_makedev_does()
    {
        Assert.Equal(0x103ul, new DeviceNumber(1, 3).ToDev());
        Assert.Equal(0x0000_1000_0010_0703ul, new DeviceNumber(0x1007, 0x103).ToDev());
    }

    private static bool ClosesOnExec(FileDescriptor fd)
    {
        string flags = File.ReadAllLines($"/proc/self/fdinfo/{fd.Number}").First(l => l.StartsWith("flags:", StringComparison.Ordinal));
        return (Convert.ToUInt32(flags["flags:".Length..].Trim(), 8) & (uint)OpenFlags.O_CLOEXEC) != 0;
    }

    [DllImport("libc", EntryPoint = "splice", SetLastError = true)]
    private static extern nint Splice(int from, ref long offset, int to, nint noOffset, nuint count, uint flags);
}
