using System.Buffers;
using System.Globalization;

namespace Caisson;

/// <summary>Durations as Go writes them: <c>1h2m3.5s</c>, <c>100ms</c>.</summary>
internal static class DurationText
{
    // Beyond a year nobody means it, and the sum below cannot overflow.
    private const double LongestSeconds = 366 * 24 * 3600.0;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    internal static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        ReadOnlySpan<char> rest = text;
        if (rest.IsEmpty)
        {
            return false;
        }

        // The only number that needs no unit.
        if (rest is "0")
        {
            return true;
        }

        double seconds = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
            {
                return false;
            }

            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_digits);
            ReadOnlySpan<char> unit = letters < 0 ? rest : rest[..letters];
            double factor = unit switch
            {
                "h" => 3600,
                "m" => 60,
                "s" => 1,
                "ms" => 1e-3,
                "us" or "µs" => 1e-6,
                "ns" => 1e-9,
                _ => double.NaN,
            };
            seconds += value * factor;
            if (!(seconds <= LongestSeconds))
            {
                return false;
            }

            rest = letters < 0 ? default : rest[letters..];
        }

        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
