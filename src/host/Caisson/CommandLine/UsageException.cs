namespace Caisson;

/// <summary>The command line itself is wrong: an unknown flag or command, a missing argument.</summary>
internal sealed class UsageException : Exception
{
    /// <summary>What runc exits with for a command that it does not know.</summary>
    internal const int UnknownCommand = 3;

    internal UsageException(string message, int exitCode = 1)
        : base(message) => ExitCode = exitCode;

    internal int ExitCode { get; }
}
