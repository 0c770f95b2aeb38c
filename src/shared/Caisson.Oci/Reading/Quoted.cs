using System.Text;

namespace Caisson.Oci;

/// <summary>Shows foreign text in a message: bounded, and without control characters that could fake other lines.</summary>
internal static class Quoted
{
    internal static string Text(string text)
    {
        var shown = new StringBuilder("\"");
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, SpecLimits.MaxQuotedChars)))
        {
            if (char.IsControl(c) || char.IsSurrogate(c))
            {
                shown.Append("\\u").Append(((int)c).ToString("x4"));
            }
            else
            {
                shown.Append(c is '"' or '\\' ? "\\" : "").Append(c);
            }
        }
        return shown.Append(text.Length > SpecLimits.MaxQuotedChars ? "…\"" : "\"").ToString();
    }
}
