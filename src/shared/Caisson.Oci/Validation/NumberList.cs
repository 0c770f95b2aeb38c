using System.Globalization;

namespace Caisson.Oci;

/// <summary>The kernel's list of CPUs or nodes: numbers and ranges between commas, such as 0-3,7 (cpuset(7)).</summary>
internal static class NumberList
{
    internal static void Check(string? list, string path, SpecVerdict verdict)
    {
        if (list is not null && !IsValid(list))
        {
            verdict.Error(path, $"not a list of numbers and ranges such as 0-3,7: {Quoted.Text(list)}");
        }
    }

    private static bool IsValid(ReadOnlySpan<char> list)
    {
        foreach (Range range in list.Split(','))
        {
            ReadOnlySpan<char> item = list[range].Trim();
            int dash = item.IndexOf('-');
            if (!Parse(dash < 0 ? item : item[..dash], out ushort first) || !Parse(dash < 0 ? item : item[(dash + 1)..], out ushort last) || last < first)
            {
                return false;
            }
        }
        return true;
    }

    private static bool Parse(ReadOnlySpan<char> text, out ushort number) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
