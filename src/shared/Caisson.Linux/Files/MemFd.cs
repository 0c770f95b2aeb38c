using System.Diagnostics;

namespace Caisson.Linux;

/// <summary>The seals of fcntl(2), F_ADD_SEALS.</summary>
[Flags]
public enum MemFdSeals
{
    /// <summary>No more seals can be added.</summary>
    Seal = 1,

    /// <summary>It cannot shrink.</summary>
    Shrink = 2,

    /// <summary>It cannot grow.</summary>
    Grow = 4,

    /// <summary>It cannot be written.</summary>
    Write = 8,

    /// <summary>All of them.</summary>
    All = 15,
}

/// <summary>An anonymous file in memory, memfd_create(2).</summary>
public sealed class MemFd : FileDescriptor
{
    // A page that is held for longer is not the kernel's to give back.
    private static readonly TimeSpan s_sealPatience = TimeSpan.FromSeconds(10);

    /// <summary>An empty owner.</summary>
    public MemFd()
    {
    }

    /// <summary>An empty file that can be sealed.</summary>
    /// <param name="name">Shown in /proc/PID/fd.</param>
    /// <param name="executable">MFD_EXEC, needed where vm.memfd_noexec is set; false makes a file that can never be executed where the kernel can (6.3).</param>
    public static MemFd Create(string name, bool executable = false)
    {
        const uint MFD_CLOEXEC = 1;
        const uint MFD_ALLOW_SEALING = 2;
        const uint MFD_NOEXEC_SEAL = 8;
        const uint MFD_EXEC = 16;
        var file = new MemFd();
        int number = Libc.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (executable ? MFD_EXEC : MFD_NOEXEC_SEAL));
        if (number < 0 && Libc.LastError == Errno.EINVAL)
        {
            number = Libc.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);    // before 6.3 neither flag is known
        }

        file.Adopt(Libc.Check(number, "memfd_create"));
        return file;
    }

    /// <summary>Adds seals for ever.</summary>
    public void Seal(MemFdSeals seals) => Seal(this, seals);

    /// <summary>
    /// Adds seals for ever. The kernel refuses to forbid writing while anybody holds one of the file's pages, which on a busy machine is its own
    /// housekeeping; it waits for 0.15 s itself (memfd_wait_for_pins in mm/memfd.c) and leaves the rest to the caller.
    /// </summary>
    internal static void Seal(FileDescriptor file, MemFdSeals seals)
    {
        const int F_ADD_SEALS = 1033;
        long began = Stopwatch.GetTimestamp();
        while (Libc.fcntl(file, F_ADD_SEALS, (nint)seals) < 0)
        {
            Errno why = Libc.LastError;
            if (why is not (Errno.EBUSY or Errno.EINTR) || Stopwatch.GetElapsedTime(began) > s_sealPatience)
            {
                throw new SyscallException("fcntl(F_ADD_SEALS)", why);
            }
        }
    }

    /// <summary>Appends a whole file from its current position, inside the kernel.</summary>
    public void AppendFrom(FileDescriptor source)
    {
        const int Chunk = 0x7FFF_F000;    // the most one sendfile(2) moves
        long count;
        do
        {
            count = Libc.sendfile(this, source, 0, Chunk);
        }
        while (count > 0 || (count < 0 && Libc.LastError == Errno.EINTR));

        Libc.Check(count, "sendfile");
    }
}
