namespace Caisson.Bench;

/// <summary>One thing to measure. It removes what it made, whatever happens.</summary>
internal interface IBenchmark
{
    /// <summary>For <c>--only</c>.</summary>
    string Name { get; }

    /// <summary>What it measures, in a line.</summary>
    string Title { get; }

    /// <summary>Whether it takes so long that it is left out unless it is asked for: by name, or with <c>--full</c>.</summary>
    bool IsLong => false;

    void Run(BenchContext context);
}
