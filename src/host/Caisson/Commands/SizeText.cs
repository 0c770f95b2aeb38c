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
        double factor = 1;
        if (number.Length > 0)
        {
            int power = "kmgtp".IndexOf(char.ToLowerInvariant(number[^1]), StringComparison.Ordinal);
            if (power >= 0)
            {
                factor = Math.Pow(1024, power + 1);
                number = number[..^1].TrimEnd();
            }
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value))
        {
            return false;
        }

        double product = (double)value * factor;
        if (product > long.MaxValue)
        {
            return false;
        }

        // Whole numbers stay exact; a double has only 53 bits.
        bytes = value == decimal.Truncate(value) && value < long.MaxValue / (decimal)factor ? (long)(value * (decimal)factor) : (long)product;
        return true;
    }

    private static ReadOnlySpan<char> DropSuffix(ReadOnlySpan<char> text, char suffix) =>
        text.Length > 0 && char.ToLowerInvariant(text[^1]) == suffix ? text[..^1] : text;
}
