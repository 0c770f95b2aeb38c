using System.Globalization;

namespace Caisson;

/// <summary>Sizes as Docker and runc take them: <c>64M</c>, <c>1.5g</c>, <c>512kb</c>, <c>1048576</c>; units are powers of 1024.</summary>
internal static class SizeText
{
    internal static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        ReadOnlySpan<char> number = text.AsSpan().Trim();
        if (number.Length == 0)
        {
            return false;
        }

        number = DropSuffix(DropSuffix(number, 'b'), 'i');
        long factor = 1;
        if (number.Length > 0)
        {
            int power = "kmgtp".IndexOf(char.ToLowerInvariant(number[^1]), StringComparison.Ordinal);
            if (power >= 0)
            {
                factor = 1L << (10 * (power + 1));
                number = number[..^1].TrimEnd();
            }
        }

        return TryRead(number, out long whole, out double fraction) && TryScale(whole, fraction, factor, out bytes);
    }

    // Digits with at most one point among them. Beyond a double's precision the fraction's further digits say nothing.
    private static bool TryRead(ReadOnlySpan<char> number, out long whole, out double fraction)
    {
        int point = number.IndexOf('.');
        ReadOnlySpan<char> before = point < 0 ? number : number[..point];
        ReadOnlySpan<char> after = point < 0 ? "" : number[(point + 1)..];
        whole = 0;
        fraction = 0;
        if (before.Length + after.Length == 0 || after.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        for (int i = after.Length - 1; i >= 0; i--)
        {
            fraction = (fraction + after[i] - '0') / 10;
        }

        return before.Length == 0 || long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out whole);
    }

    // Whole numbers stay exact; a double has only 53 bits.
    private static bool TryScale(long whole, double fraction, long factor, out long bytes)
    {
        bytes = 0;
        if (whole > long.MaxValue / factor)
        {
            return false;
        }

        long rest = (long)(fraction * factor);
        bytes = whole * factor;
        if (bytes > long.MaxValue - rest)
        {
            return false;
        }

        bytes += rest;
        return true;
    }

    private static ReadOnlySpan<char> DropSuffix(ReadOnlySpan<char> text, char suffix) =>
        text.Length > 0 && char.ToLowerInvariant(text[^1]) == suffix ? text[..^1] : text;
}
