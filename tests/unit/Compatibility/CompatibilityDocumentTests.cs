using Caisson.Sandboxes;

namespace Caisson.UnitTests.Compatibility;

/// <summary>docs/compatibility.md is what the program would write, and what it refers to exists.</summary>
public sealed class CompatibilityDocumentTests
{
    private static readonly string s_tests = Path.Combine(Root(), "tests");

    [Fact]
    public void Document_is_up_to_date() =>
        Assert.True(File.ReadAllText(Path.Combine(Root(), "docs/compatibility.md")) == CompatibilityDocument.Write(), "docs/compatibility.md is out of date: ./dev docs writes it anew");

    [Fact]
    public void Tests_that_rows_name_exist()
    {
        string[] sources = [.. Directory.GetFiles(s_tests, "*.cs", SearchOption.AllDirectories).Where(static path => !path.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText)];
        string cases = string.Concat(Directory.GetFiles(Path.Combine(s_tests, "integration/Fields"), "FieldCases*.cs").Select(File.ReadAllText));

        foreach (FieldRow row in FieldTable.Parts.SelectMany(static part => part.Rows).Where(static row => row.Test.Length > 0))
        {
            string[] parts = row.Test.Split('.');
            bool exists = parts.Length == 1
                ? row.Paths.All(path => cases.Contains($"\"{path}\"", StringComparison.Ordinal)) || cases.Contains($"\"{row.Path}\"", StringComparison.Ordinal)
                : sources.Any(source => source.Contains($"class {parts[0]}", StringComparison.Ordinal) && source.Contains($" {parts[1]}(", StringComparison.Ordinal));
            Assert.True(exists, $"{row.Path}: there is no test {row.Test}");
        }
    }

    [Fact]
    public void Notes_on_commands_are_about_commands_and_flags_that_exist()
    {
        foreach (CommandNote note in CommandNotes.All)
        {
            IReadOnlyList<Flag>? flags = note.Command.Length == 0 ? GlobalOptions.Flags : CommandTable.Find(note.Command)?.Flags;
            Assert.True(flags is not null && (note.Flag.Length == 0 || flags.Any(flag => flag.Name == note.Flag)), $"there is no `{note.Command} --{note.Flag}`");
        }
    }

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Caisson.slnx")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        return directory;
    }
}
