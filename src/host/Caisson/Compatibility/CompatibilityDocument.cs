using System.Text;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>docs/compatibility.md, from the table of fields, the refusals, and the command line's own table.</summary>
internal static class CompatibilityDocument
{
    private const string Introduction = """
        # What each isolation honours

        Written by `caisson compatibility` from the table that the program itself refuses by; a test fails when this file is out of date
        (`./dev docs` writes it anew).

        Every field of config.json (runtime-spec 1.2, and what is usable of 1.3) is honoured, or refused with an error that names it. Fields
        that the specification does not know are ignored, as it asks; so are those of other platforms (`windows`, `solaris`, `zos`, `freebsd`).
        "Translated" means: by other means, or with another meaning, which is told. In `linux.resources`, 0 is a limit that nobody asked for,
        because engines write it so (but for `pids.limit`, `burst`, `idle` and huge pages), and -1 is no limit.

        """;

    internal static string Write()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        foreach ((string title, IReadOnlyList<FieldRow> rows) in FieldTable.Parts)
        {
            Heading(text, title, "field | `namespaces` | `vm` | shown by");
            foreach (FieldRow row in rows)
            {
                text.Append($"| {Name(row)} | {Say(row, Isolation.Namespaces)} | {Say(row, Isolation.Vm)} | {Test(row.Test)} |\n");
            }
        }

        WriteCommands(text);
        WriteSuite(text);
        return text.ToString();
    }

    private static void WriteCommands(StringBuilder text)
    {
        Heading(text, "Commands and flags", "command | flag | `namespaces` | `vm`");
        foreach (Flag flag in GlobalOptions.Flags)
        {
            WriteCommand(text, "", flag.Name);
        }

        foreach (string name in CommandTable.Names)
        {
            WriteCommand(text, name, "");
            foreach (Flag flag in CommandTable.Find(name)!.Flags)
            {
                WriteCommand(text, name, flag.Name);
            }
        }
    }

    private static void WriteCommand(StringBuilder text, string command, string flag)
    {
        CommandNote? note = Array.Find(CommandNotes.All, note => note.Command == command && note.Flag == flag);
        // A flag of what an isolation cannot do is none there.
        if (note is null && Array.Find(CommandNotes.All, note => note.Command == command && note.Command.Length > 0 && note.Flag.Length == 0) is { Vm.Kind: Honour.No } whole)
        {
            note = whole with { Namespaces = Answer.Yes };
        }

        string shown = command.Length == 0 ? "every command" : $"`{command}`";
        text.Append($"| {shown} | {(flag.Length == 0 ? "" : $"`--{flag}`")} | {Say(note?.Namespaces ?? Answer.Yes, null)} | {Say(note?.Vm ?? Answer.Yes, null)} |\n");
    }

    private static void WriteSuite(StringBuilder text)
    {
        text.Append("\n## runc's own test suite\n\n");
        text.Append("The suite of runc 1.1.5 is run with Caisson in runc's place. These tests pass with runc on the same machine and not with Caisson:\n\n");
        text.Append("| test | isolation | why |\n|---|---|---|\n");
        foreach (SuiteFailure failure in RuncSuite.Failures)
        {
            text.Append($"| {Cell(failure.Test)} | `{IsolationName.Of(failure.Isolation)}` | {Cell(failure.Reason)} |\n");
        }
    }

    private static void Heading(StringBuilder text, string title, string columns)
    {
        text.Append($"\n## {title}\n\n| {columns} |\n|");
        for (int column = 0; column <= columns.AsSpan().Count('|'); column++)
        {
            text.Append("---|");
        }

        text.Append('\n');
    }

    private static string Name(FieldRow row) => row.Members.Length == 0
        ? $"`{row.Path}`"
        : $"`{row.Path}`: " + string.Join(", ", Array.ConvertAll(row.Members.Split(' '), static member => $"`{member}`"));

    private static string Test(string test) => test.Length == 0 ? "" : $"`{test}`";

    // What is refused is told in the words of the error.
    private static string Say(FieldRow row, Isolation isolation)
    {
        Refusal? refusal = Array.Find(Refusals.Of(isolation), refusal => refusal.Field == row.Path || Array.IndexOf(row.Paths, refusal.Field) >= 0);
        return Say(row.For(isolation), refusal?.Why);
    }

    private static string Say(Answer answer, string? refusal)
    {
        string word = answer.Kind switch
        {
            Honour.Yes => "yes",
            Honour.Partly => "partly",
            Honour.Translated => "translated",
            _ => "no",
        };
        string text = answer.Text.Length == 0 ? word : $"{word}: {answer.Text}";
        return Cell(refusal is null ? text : answer.Text.Length == 0 ? $"{word}: {refusal}" : $"{text}; otherwise refused: {refusal}");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
