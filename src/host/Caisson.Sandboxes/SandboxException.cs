using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What was asked for cannot be done; the message is the one line that the user sees.</summary>
public class SandboxException : Exception
{
    public SandboxException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>There is no container of that name under this root.</summary>
public sealed class NoSuchContainerException() : SandboxException("container does not exist");

/// <summary>Exceptions of the class library and the kernel in the words that people know.</summary>
public static class Failure
{
    /// <summary>The reason without the .NET runtime's own words, which are trimmed away in a native build.</summary>
    public static string Describe(Exception cause) => cause switch
    {
        SyscallException failed => failed.Message,
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        UnauthorizedAccessException => "permission denied",
        IOException failed when (failed.HResult & 0xffff) is > 0 and <= 133 => Words((Errno)(failed.HResult & 0xffff)),
        _ => cause.Message,
    };

    /// <summary>An error in Go's words, which are libc's in lower case: podman and Docker look for them.</summary>
    public static string Words(Errno errno)
    {
        string text = errno.Describe();
        return string.Concat(text[..1].ToLowerInvariant(), text.AsSpan(1));
    }
}
