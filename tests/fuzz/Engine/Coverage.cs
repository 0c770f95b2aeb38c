namespace Caisson.Fuzz;

/// <summary>Where the instrumented assemblies count the branches that an input takes.</summary>
public static class Coverage
{
    internal const int MapBytes = 1 << 17;

    [ThreadStatic]
    private static int s_previous;

    internal static byte[] Map { get; } = new byte[MapBytes];

    /// <summary>Called at the beginning of every basic block. An edge is counted, not a block: the same block reached another way is news.</summary>
    public static void Hit(int block)
    {
        byte[] map = Map;
        map[(block ^ s_previous) & (MapBytes - 1)]++;
        s_previous = block >> 1;
    }

    internal static void Clear()
    {
        Array.Clear(Map);
        s_previous = 0;
    }
}

/// <summary>Which edges were ever taken, and about how often.</summary>
internal sealed class CoverageHistory
{
    private readonly byte[] _seen = new byte[Coverage.MapBytes];

    internal int Edges { get; private set; }

    /// <summary>Adds what the last input did; true if that was new.</summary>
    internal bool Add()
    {
        bool news = false;
        byte[] map = Coverage.Map;
        for (int at = Array.FindIndex(map, static count => count != 0); at >= 0 && at < map.Length; at = Next(map, at + 1))
        {
            byte bucket = Bucket(map[at]);
            if ((_seen[at] & bucket) == 0)
            {
                Edges += _seen[at] == 0 ? 1 : 0;
                _seen[at] |= bucket;
                news = true;
            }
        }

        return news;
    }

    private static int Next(byte[] map, int from)
    {
        int offset = map.AsSpan(from).IndexOfAnyExcept((byte)0);
        return offset < 0 ? map.Length : from + offset;
    }

    // Powers of two: once or twice is a difference, 100 or 101 times is not.
    private static byte Bucket(byte count) => count switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
