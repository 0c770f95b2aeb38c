using System.Text;

namespace Caisson;

/// <summary>Rows of text in columns, as runc aligns them.</summary>
internal static class TextTable
{
    // text/tabwriter as runc sets it up: cells of at least 12 characters, 3 spaces between.
    private const int NarrowestCell = 12;
    private const int Padding = 3;

    /// <param name="rows">The header first; all of the same length.</param>
    internal static string Align(IReadOnlyList<string[]> rows)
    {
        int[] widths = new int[rows[0].Length];
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length; column++)
            {
                widths[column] = Math.Max(widths[column], Math.Max(NarrowestCell, row[column].Length + Padding));
            }
        }

        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length - 1; column++)
            {
                text.Append(row[column].PadRight(widths[column]));
            }

            text.Append(row[^1]).Append('\n');
        }

        return text.ToString();
    }
}
