using System.Text;

namespace Caisson.Linux;

/// <summary>Loadable modules of the kernel.</summary>
public static unsafe class KernelModule
{
    private const int SysFinitModule = 313;

    /// <summary>Loads a module; EEXIST when it is loaded already.</summary>
    /// <param name="file">The module's file, not compressed unless the kernel can unpack it.</param>
    /// <param name="parameters">Parameters, with spaces between.</param>
    /// <param name="why">The error.</param>
    public static bool TryLoad(FileDescriptor file, string parameters, out Errno why)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(parameters);
        byte[] text = Encoding.UTF8.GetBytes(parameters + "\0");
        fixed (byte* start = text)
        {
            // SAFETY: the text is pinned for the call, and ends with the NUL just added.
            why = Libc.syscall(SysFinitModule, file.Number, (long)start, 0) < 0 ? Libc.LastError : Errno.None;
        }

        return why == Errno.None;
    }

    /// <summary>Loads a module; one that is loaded already is fine.</summary>
    /// <param name="file">The module's file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="parameters">Parameters, with spaces between.</param>
    public static void Load(FileDescriptor file, string name, string parameters = "")
    {
        if (!TryLoad(file, parameters, out Errno why) && why != Errno.EEXIST)
        {
            throw new SyscallException($"finit_module({name})", why);
        }
    }
}
