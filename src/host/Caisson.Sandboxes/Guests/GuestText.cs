using System.Text;

namespace Caisson.Sandboxes;

/// <summary>
/// Text that a guest says and a user sees. The agent makes it printable already, but a captured guest may say anything, and its bytes
/// must not steer the terminal of who asked.
/// </summary>
internal static class GuestText
{
    // Room for the longest path (PATH_MAX) and the words around it.
    private const int MaxLineChars = 8192;

    /// <summary>The lines of a text, without its control characters.</summary>
    internal static string[] Lines(ReadOnlySpan<byte> text)
    {
        string[] lines = Encoding.UTF8.GetString(text).TrimEnd('\n').Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = Printable(lines[i]);
        }

        return lines;
    }

    /// <summary>One line of what an agent says of a failure, as long as a person reads.</summary>
    internal static string Line(string text) => Printable(text.Length <= MaxLineChars ? text : text[..MaxLineChars]);

    private static string Printable(string line) => string.Create(line.Length, line, static (span, from) =>
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = char.IsControl(from[i]) ? '?' : from[i];
        }
    });
}
