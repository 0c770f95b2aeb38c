namespace Caisson.Fuzz;

/// <summary>Failing inputs on disk.</summary>
internal static class Findings
{
    private const ulong FnvOffset = 14695981039346656037;   // FNV-1a, for a name only
    private const ulong FnvPrime = 1099511628211;

    internal static string Save(string place, string target, byte[] input, string why)
    {
        string directory = Path.Combine(place, "findings");
        Directory.CreateDirectory(directory);
        ulong hash = FnvOffset;
        foreach (byte one in input)
        {
            hash = unchecked((hash ^ one) * FnvPrime);
        }

        string file = Path.Combine(directory, $"{target}-{hash:x16}");
        File.WriteAllBytes(file, input);
        File.WriteAllText(file + ".txt", why + "\n");
        return file;
    }

    /// <summary>The target that a saved input is for.</summary>
    internal static string TargetOf(string file)
    {
        string name = Path.GetFileName(file);
        int dash = name.LastIndexOf('-');
        return dash > 0 ? name[..dash] : name;
    }

    internal static string Report(string target, string file, byte[] input, string why) =>
        $"FINDING {target}: {why}\n  input of {input.Length} bytes: {file}\n  again:  ./dev fuzz --replay {file}";
}
