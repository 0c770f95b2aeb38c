namespace Caisson.Bench;

/// <summary>
/// Contestants in random order, round after round: whatever else the machine does at a moment, it does to all of them.
/// </summary>
internal static class Rounds
{
    internal static IReadOnlyDictionary<string, Sample> Run(BenchContext context, int rounds, params (string Name, Func<TimeSpan> Once)[] contestants)
    {
        var samples = contestants.ToDictionary(contestant => contestant.Name, contestant => new Sample(contestant.Name));
        foreach ((_, Func<TimeSpan> once) in contestants)
        {
            _ = once();    // files into the page cache, directories made that stay
        }

        for (int round = 0; round < rounds; round++)
        {
            Random.Shared.Shuffle(contestants);
            foreach ((string name, Func<TimeSpan> once) in contestants)
            {
                context.ThrowIfInterrupted();
                samples[name].Add(once());
            }
        }

        return samples;
    }
}
