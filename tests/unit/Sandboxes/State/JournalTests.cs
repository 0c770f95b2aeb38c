using System.Text;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class JournalTests : IDisposable
{
    private static readonly ProcessIdentity s_owner = new(42, 4711);
    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-journal-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Intents_are_read_back_in_order_without_those_done()
    {
        var cgroup = new Intent(IntentKind.Cgroup, "/caisson/x");
        var mount = new Intent(IntentKind.Mount, "/m");
        Intent process = Intent.Process(new ProcessIdentity(7, 8));
        using (Journal journal = Journal.Begin(_directory, s_owner, "boot"))
        {
            journal.Intend(cgroup);
            journal.Intend(mount);
            journal.Done(mount);
        }

        using (Journal journal = Journal.Continue(_directory))
        {
            journal.Intend(process);
        }

        JournalContents contents = JournalContents.Read(_directory)!;

        Assert.Equal(s_owner, contents.Owner);
        Assert.Equal("boot", contents.BootId);
        Assert.Equal([cgroup, process], contents.Open);
    }

    [Theory]
    [InlineData("process", "12")]
    [InlineData("process", ":5")]
    [InlineData("process", "12:x")]
    [InlineData("process", "0:5")]
    [InlineData("process", "99999999999:5")]
    [InlineData("file", "")]
    [InlineData("file", "/etc/passwd\\u0000.tmp")]
    public void Key_that_cannot_be_undone_is_damage(string kind, string key)
    {
        string text = "{\"caissonFormat\":1,\"pid\":1,\"startTime\":2,\"bootId\":\"b\"}\n{\"kind\":\"" + kind + "\",\"key\":\"" + key + "\",\"done\":false}\n";

        SandboxException refused = Assert.Throws<SandboxException>(() => JournalContents.Parse("/x/journal", Encoding.UTF8.GetBytes(text)));

        Assert.Contains("/x/journal: damaged", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_its_writer_did_not_finish_counts_for_nothing()
    {
        using (Journal journal = Journal.Begin(_directory, s_owner, "boot"))
        {
            journal.Intend(new Intent(IntentKind.File, "/f"));
        }

        string file = Path.Combine(_directory, Journal.FileName);
        byte[] whole = File.ReadAllBytes(file);
        int firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (int length = 0; length < whole.Length; length++)
        {
            JournalContents? contents = JournalContents.Parse(file, whole.AsMemory(0, length));
            if (length < firstLine)
            {
                Assert.Null(contents);
            }
            else
            {
                Assert.Empty(contents!.Open);
            }
        }
    }

    [Theory]
    [InlineData("garbage\n")]
    [InlineData("{\"caissonFormat\":2,\"pid\":1,\"startTime\":1,\"bootId\":\"b\"}\n")]
    [InlineData("{\"caissonFormat\":1,\"pid\":1,\"startTime\":1,\"bootId\":\"b\"}\n{\"kind\":\"moon\",\"key\":\"k\",\"done\":false}\n")]
    [InlineData("{\"caissonFormat\":1,\"pid\":1,\"startTime\":1,\"bootId\":\"b\"}\n[]\n")]
    public void A_damaged_journal_is_an_error_that_names_the_file(string text) =>
        Assert.Contains("/j", Assert.Throws<SandboxException>(() => JournalContents.Parse("/j", Encoding.UTF8.GetBytes(text))).Message, StringComparison.Ordinal);

    [Fact]
    public void Undoing_kills_only_the_process_that_was_meant()
    {
        // The pid is ours, the start time is not: another process had this pid once.
        var other = new ProcessIdentity(Environment.ProcessId, 1);

        IntentUndo.Undo(new JournalContents(s_owner, BootId.Read(), [Intent.Process(other)]), BootId.Read());
    }

    [Fact]
    public void Undoing_removes_files_and_directories_and_does_not_mind_what_is_gone()
    {
        string directory = Directory.CreateDirectory(Path.Combine(_directory, "d")).FullName;
        string file = Path.Combine(directory, "f");
        File.WriteAllText(file, "");
        var contents = new JournalContents(s_owner, BootId.Read(), [new(IntentKind.Directory, directory), new(IntentKind.File, file)]);

        IntentUndo.Undo(contents, BootId.Read());
        IntentUndo.Undo(contents, BootId.Read());

        Assert.False(Directory.Exists(directory));
    }
}
