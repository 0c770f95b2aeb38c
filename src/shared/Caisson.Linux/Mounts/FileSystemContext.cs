using System.Text;

namespace Caisson.Linux;

/// <summary>A file system being configured: fsopen(2), fsconfig(2), fsmount(2), fspick(2). Needs Linux 5.2.</summary>
public sealed class FileSystemContext : FileDescriptor
{
    // enum fsconfig_command (include/uapi/linux/mount.h).
    private const uint FSCONFIG_SET_FLAG = 0;
    private const uint FSCONFIG_SET_STRING = 1;
    private const uint FSCONFIG_SET_FD = 5;
    private const uint FSCONFIG_CMD_CREATE = 6;
    private const uint FSCONFIG_CMD_RECONFIGURE = 7;

    /// <summary>An empty owner.</summary>
    public FileSystemContext()
    {
    }

    /// <summary>Starts a new file system of a type.</summary>
    public static FileSystemContext Open(string type) =>
        TryOpen(type, out FileSystemContext context, out Errno why) ? context : throw new SyscallException($"fsopen({type})", why);

    /// <inheritdoc cref="Open"/>
    public static bool TryOpen(string type, out FileSystemContext context, out Errno why)
    {
        const uint FSOPEN_CLOEXEC = 1;
        context = new FileSystemContext();
        long number = Libc.fsopen(430, type, FSOPEN_CLOEXEC);
        why = number < 0 ? Libc.LastError : Errno.None;
        if (number < 0)
        {
            return false;
        }

        context.Adopt((int)number);
        return true;
    }

    /// <summary>Picks a mounted file system to reconfigure.</summary>
    public static FileSystemContext Pick(FileDescriptor mount)
    {
        const uint FSPICK_CLOEXEC = 1;
        const uint FSPICK_EMPTY_PATH = 8;
        var context = new FileSystemContext();
        context.Adopt((int)Libc.Check(Libc.fspick(433, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH), "fspick"));
        return context;
    }

    /// <summary>Sets an option without a value, such as <c>ro</c>.</summary>
    public void SetFlag(string key) => Configure(FSCONFIG_SET_FLAG, key, null, 0);

    /// <summary>Sets an option, such as <c>size</c> or <c>source</c>.</summary>
    public void SetString(string key, string value) => Configure(FSCONFIG_SET_STRING, key, value, 0);

    /// <summary>Sets an option that takes a descriptor.</summary>
    public void SetDescriptor(string key, FileDescriptor fd)
    {
        Configure(FSCONFIG_SET_FD, key, null, fd.Number);
        GC.KeepAlive(fd);
    }

    /// <summary>Makes the file system.</summary>
    public void Create() => Configure(FSCONFIG_CMD_CREATE, null, null, 0);

    /// <summary>Applies the options to the picked file system.</summary>
    public void Reconfigure() => Configure(FSCONFIG_CMD_RECONFIGURE, null, null, 0);

    /// <summary>A detached mount of the file system made by <see cref="Create"/>.</summary>
    public MountFd Mount(MountAttributes attributes = 0)
    {
        const uint FSMOUNT_CLOEXEC = 1;
        var mount = new MountFd();
        long number = Libc.fsmount(432, this, FSMOUNT_CLOEXEC, (uint)attributes);
        if (number < 0)
        {
            throw Explain("fsmount", Libc.LastError);
        }

        mount.Adopt((int)number);
        return mount;
    }

    private void Configure(uint command, string? key, string? value, int auxiliary)
    {
        if (Libc.fsconfig(431, this, command, key, value, auxiliary) < 0)
        {
            throw Explain($"fsconfig({key ?? (command == FSCONFIG_CMD_CREATE ? "create" : "reconfigure")}{(value is null ? "" : "=" + value)})", Libc.LastError);
        }
    }

    // The context's log holds sentences such as "e tmpfs: Unknown parameter 'sise'", one for each read.
    private SyscallException Explain(string call, Errno errno)
    {
        Span<byte> line = stackalloc byte[512];
        return this.TryRead(line, out int count, out _) && count > 2
            ? new SyscallException($"{call}: {Encoding.UTF8.GetString(line[2..count]).TrimEnd('\n')}", errno)
            : new SyscallException(call, errno);
    }
}
