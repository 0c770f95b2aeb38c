namespace Caisson.Sandboxes;

/// <summary>Output of a guest's process.</summary>
/// <param name="Data">The bytes from the asked offset on; empty only at the end.</param>
/// <param name="AtEnd">Nothing will follow <paramref name="Data"/>.</param>
internal readonly record struct OutputChunk(ReadOnlyMemory<byte> Data, bool AtEnd);

/// <summary>What a guest's process says all at once.</summary>
/// <param name="Stdout">Standard output; nothing and no end where there is none yet.</param>
/// <param name="Stderr">Standard error, in the same way.</param>
/// <param name="ExitCode">Known only with both ends.</param>
internal readonly record struct ProcessNews(OutputChunk Stdout, OutputChunk Stderr, int? ExitCode);

/// <summary>
/// One process inside a sandbox, as its supervisor reaches it. Streams are addressed by offsets from the process's beginning, so that
/// every call can be repeated after a broken connection: nothing is lost, nothing comes twice.
/// </summary>
internal interface IGuestProcess
{
    /// <summary>Waits for output at <paramref name="offset"/>; everything before it may be forgotten by the guest.</summary>
    Task<OutputChunk> ReadStdoutAsync(ulong offset, CancellationToken cancellationToken);

    /// <inheritdoc cref="ReadStdoutAsync"/>
    Task<OutputChunk> ReadStderrAsync(ulong offset, CancellationToken cancellationToken);

    /// <summary>
    /// Waits for output at one of the offsets, or for the end of an exec and of its output, for the price of one question. Not for a container's
    /// init, whose end must be heard of even while its output is held open.
    /// </summary>
    Task<ProcessNews> FollowAsync(ulong stdoutOffset, ulong stderrOffset, CancellationToken cancellationToken);

    /// <summary>Gives input that begins at <paramref name="offset"/>; bytes the guest already has are dropped there.</summary>
    /// <returns>How many of <paramref name="data"/>'s bytes the guest has now taken; at least one.</returns>
    Task<int> WriteStdinAsync(ulong offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Closes the process's input. Harmless when it is closed already or the process is gone.</summary>
    Task CloseStdinAsync(CancellationToken cancellationToken);

    /// <summary>Waits for the process's end.</summary>
    /// <returns>The exit code, or 128 plus the number of the signal that ended it.</returns>
    Task<int> WaitAsync(CancellationToken cancellationToken);

    /// <summary>Sends a signal; a process that is gone is no error.</summary>
    Task SignalAsync(int signal, CancellationToken cancellationToken);

    /// <summary>Sets the size of the process's terminal.</summary>
    Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken);

    /// <summary>Tells the guest that the exit code has arrived for good and may be forgotten.</summary>
    Task AcknowledgeExitAsync(CancellationToken cancellationToken);
}
