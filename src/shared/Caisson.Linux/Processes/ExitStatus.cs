namespace Caisson.Linux;

/// <summary>How a process ended.</summary>
/// <param name="Signal">The signal that killed it, or 0 when it exited by itself.</param>
/// <param name="ExitCode">The code it exited with; 0 when a signal killed it.</param>
/// <param name="CoreDumped">Whether a core was written.</param>
public readonly record struct ExitStatus(int Signal, int ExitCode, bool CoreDumped)
{
    private const int CldKilled = 2;
    private const int CldDumped = 3;

    /// <summary>A shell's view: the exit code, or 128 plus the signal.</summary>
    public int Code => Signal == 0 ? ExitCode : 128 + Signal;

    /// <summary>Whether a signal ended it.</summary>
    public bool WasKilled => Signal != 0;

    /// <summary>Decodes what wait4(2) and waitpid(2) store.</summary>
    /// <param name="status">The raw status of a process that ended.</param>
    public static ExitStatus FromWaitStatus(int status)
    {
        int signal = status & 0x7f;
        return signal == 0
            ? new ExitStatus(0, (status >> 8) & 0xff, false)
            : new ExitStatus(signal, 0, (status & 0x80) != 0);
    }

    internal static ExitStatus FromChildInfo(in Libc.ChildInfo info) => info.Code is CldKilled or CldDumped
        ? new ExitStatus(info.Status, 0, info.Code == CldDumped)
        : new ExitStatus(0, info.Status & 0xff, false);
}
