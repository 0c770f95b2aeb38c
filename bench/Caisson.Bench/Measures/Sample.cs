namespace Caisson.Bench;

/// <summary>What one contestant needed, round by round.</summary>
internal sealed class Sample(string name)
{
    private readonly List<double> _milliseconds = [];

    internal string Name { get; } = name;

    internal int Count => _milliseconds.Count;

    internal void Add(TimeSpan time) => _milliseconds.Add(time.TotalMilliseconds);

    internal double Min => _milliseconds.Min();

    internal double Max => _milliseconds.Max();

    internal double Median
    {
        get
        {
            List<double> sorted = [.. _milliseconds.Order()];
            int middle = sorted.Count / 2;
            return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    public override string ToString() => $"{Format(Median)} ms [{Format(Min)}..{Format(Max)}]";

    private static string Format(double milliseconds) => milliseconds.ToString(milliseconds < 100 ? "0.0" : "0");
}
