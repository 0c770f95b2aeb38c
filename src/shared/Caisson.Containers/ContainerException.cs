using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// A container could not be made, entered or started. The message names the step and the object in the words that scripts
/// know from runc, such as <c>exec: "foo": executable file not found in $PATH</c>, because engines read exit codes out of them.
/// </summary>
public sealed class ContainerException : Exception
{
    /// <summary>A failed step.</summary>
    /// <param name="message">The step, its object and what went wrong.</param>
    /// <param name="errno">The kernel's answer where there was one.</param>
    /// <param name="cause">What was caught, where something was.</param>
    public ContainerException(string message, Errno errno = Errno.None, Exception? cause = null)
        : base(message, cause)
    {
        Errno = errno;
    }

    /// <summary>The kernel's answer, or <see cref="Errno.None"/>.</summary>
    public Errno Errno { get; }

    /// <summary>A failed system call as a failed step: <c>error mounting "proc" to rootfs at "/proc": operation not permitted</c>.</summary>
    internal static ContainerException Because(string step, SyscallException cause) =>
        new($"{step}: {GoWords(cause.Errno)} [{cause.Call}]", cause.Errno, cause);

    /// <summary>A failed system call whose errno alone explains it.</summary>
    internal static ContainerException Because(string step, Errno errno) => new($"{step}: {GoWords(errno)}", errno);

    // runc prints Go's descriptions, which are those of libc in lower case; podman and Docker match on them.
    internal static string GoWords(Errno errno)
    {
        string text = errno.Describe();
        return string.Concat(text[..1].ToLowerInvariant(), text.AsSpan(1));
    }
}
