namespace Caisson.Harness;

/// <summary>The executable under test: what CAISSON_EXECUTABLE_UNDER_TEST names, or the out/caisson of this tree.</summary>
public static class Executable
{
    /// <exception cref="HarnessException">There is none.</exception>
    public static string Path { get; } = TryFind() ?? throw new HarnessException("no executable under test: run ./dev build, or name one in CAISSON_EXECUTABLE_UNDER_TEST");

    /// <summary>The guest's kernel and initrd, beside the executable.</summary>
    public static string GuestAssets => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, "guest");

    internal static string? TryFind()
    {
        if (Environment.GetEnvironmentVariable("CAISSON_EXECUTABLE_UNDER_TEST") is { Length: > 0 } named)
        {
            return System.IO.Path.GetFullPath(named);
        }

        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string candidate = System.IO.Path.Combine(directory.FullName, "out", "caisson");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
