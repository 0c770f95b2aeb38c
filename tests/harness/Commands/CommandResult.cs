namespace Caisson.Harness;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Its exit code, or 128 plus the signal.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output, of a command that must have succeeded in silence otherwise.</summary>
    public string Expect(int exitCode = 0)
    {
        if (ExitCode != exitCode)
        {
            throw new HarnessException($"expected exit code {exitCode}, got {this}");
        }

        return Output;
    }

    public override string ToString() => $"exit code {ExitCode}\n--- stdout\n{Output}\n--- stderr\n{Error}\n---";
}
