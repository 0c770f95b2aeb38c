namespace Caisson.Bench;

/// <summary>What every benchmark is given.</summary>
/// <param name="Options">How often.</param>
/// <param name="Place">Where its files are.</param>
/// <param name="Report">Where results go.</param>
/// <param name="Interruption">Whether the user wants no more.</param>
internal sealed record BenchContext(BenchOptions Options, BenchPlace Place, Report Report, Interruption Interruption)
{
    internal void ThrowIfInterrupted()
    {
        if (Interruption.Happened)
        {
            throw new OperationCanceledException();
        }
    }
}
