using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// An open file description's number, owned by one object and closed by <see cref="SafeHandle.Dispose()"/>.
/// Every kind of descriptor is a type of its own, so that a mount cannot be passed where a pidfd is meant.
/// </summary>
public abstract class FileDescriptor : SafeHandle
{
    /// <summary>An empty owner; <see cref="Adopt"/> fills it. Allocate it before the system call, so that nothing can fail in between.</summary>
    protected FileDescriptor()
        : base(invalidHandleValue: -1, ownsHandle: true)
    {
    }

    /// <inheritdoc/>
    public sealed override bool IsInvalid => handle < 0;

    /// <summary>The number, for arguments of system calls and for messages. Ownership stays with this object.</summary>
    public int Number => (int)handle;

    /// <summary>The path of this descriptor below /proc, for calls that take paths only.</summary>
    public string ProcPath => $"/proc/self/fd/{Number}";

    /// <summary>Takes ownership of a number that a system call returned.</summary>
    /// <param name="number">A valid descriptor that nothing else owns.</param>
    internal void Adopt(int number) => SetHandle(number);

    /// <summary>Gives the number away: this object will not close it any more.</summary>
    /// <returns>The number; the caller owns it.</returns>
    public int Release()
    {
        int number = Number;
        SetHandleAsInvalid();
        return number;
    }

    // close(2) is never retried: on Linux the descriptor is gone even when it reports EINTR.
    /// <inheritdoc/>
    protected sealed override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}

/// <summary>A descriptor whose kind does not matter: received over a socket, inherited, or an ordinary open file.</summary>
public sealed class FileFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public FileFd()
    {
    }

    /// <summary>Takes ownership of an inherited or received number.</summary>
    /// <param name="number">A valid descriptor that nothing else owns.</param>
    public static FileFd FromNumber(int number)
    {
        var fd = new FileFd();
        fd.Adopt(number);
        return fd;
    }
}
