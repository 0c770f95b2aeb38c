namespace Caisson.Bench;

/// <summary>One thing to measure. It removes what it made, whatever happens.</summary>
internal interface IBenchmark
{
    /// <summary>For <c>--only</c>.</summary>
    string Name { get; }

    /// <summary>What it measures, in a line.</summary>
    string Title { get; }

    void Run(BenchContext context);
}
