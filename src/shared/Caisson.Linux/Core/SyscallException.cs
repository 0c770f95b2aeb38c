namespace Caisson.Linux;

/// <summary>A system call failed. The message names the call, its object and the errno: <c>mount(/proc): EPERM (Operation not permitted)</c>.</summary>
public sealed class SyscallException : IOException
{
    /// <summary>A failed call.</summary>
    /// <param name="call">The call's name, with its object in parentheses where there is one.</param>
    /// <param name="errno">What the kernel answered.</param>
    public SyscallException(string call, Errno errno)
        : base($"{call}: {errno.Name()} ({errno.Describe()})")
    {
        Call = call;
        Errno = errno;
    }

    /// <summary>The failed call, with its object where there is one.</summary>
    public string Call { get; }

    /// <summary>What the kernel answered.</summary>
    public Errno Errno { get; }
}
