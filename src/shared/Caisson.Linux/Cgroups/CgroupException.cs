namespace Caisson.Linux;

/// <summary>A cgroup could not be made, changed or removed. The message names the file, the value, and what can be done where that is known.</summary>
public sealed class CgroupException : IOException
{
    /// <summary>A failed step.</summary>
    /// <param name="message">The step with its file and value.</param>
    /// <param name="errno">What the kernel answered; none where it was not asked.</param>
    public CgroupException(string message, Errno errno = Errno.None)
        : base(errno == Errno.None ? message : $"{message}: {errno.Name()} ({errno.Describe()})") => Errno = errno;

    /// <summary>What the kernel answered.</summary>
    public Errno Errno { get; }
}
