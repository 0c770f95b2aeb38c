using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class ContainerStoreTests : IDisposable
{
    private static readonly string s_boot = BootId.Read();

    // A pid that no process has: larger than any pid_max.
    private static readonly ProcessIdentity s_dead = new(0x7ffffff0, 1);

    private readonly string _root = Directory.CreateTempSubdirectory("caisson-store-").FullName;
    private readonly ContainerStore _store;

    public ContainerStoreTests() => _store = new ContainerStore(_root);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_saved_record_is_read_back_equal()
    {
        ContainerRecord record = Record("c1") with { Cause = "killed by the host", Cgroup = "memory=/m/c1\n=/u/c1", SandboxId = "0123" };
        using (_store.Claim("c1", Refuse))
        using (Journal.Begin(_store.DirectoryOf("c1"), s_dead, s_boot))
        {
            _store.Save(record);
        }

        ContainerRecord read = _store.Load("c1");

        Assert.Equal(record.Annotations, read.Annotations);
        Assert.Equal(record with { Annotations = read.Annotations }, read);
        Assert.Equal(["c1"], _store.Ids());
    }

    [Fact]
    public void A_complete_container_keeps_its_id()
    {
        Complete("c1");

        Assert.Equal("container with given ID already exists", Assert.Throws<SandboxException>(() => _store.Claim("c1", Refuse)).Message);
    }

    [Fact]
    public void What_a_killed_create_left_is_undone_by_the_next_create_of_that_id()
    {
        using (_store.Claim("c1", Refuse))
        using (Journal journal = Journal.Begin(_store.DirectoryOf("c1"), s_dead, s_boot))
        {
            journal.Intend(new Intent(IntentKind.Cgroup, "/caisson/c1"));
        }

        Assert.Equal(StoredState.Abandoned, _store.Look("c1").State);
        StoredContainer? undone = null;
        using ContainerLock held = _store.Claim("c1", found => undone = found);

        Assert.Equal([new Intent(IntentKind.Cgroup, "/caisson/c1")], undone!.Journal!.Open);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_store.DirectoryOf("c1")));
    }

    [Fact]
    public void A_create_that_is_at_work_is_not_abandoned()
    {
        using ContainerLock held = _store.Claim("c1", Refuse);
        using Journal journal = Journal.Begin(_store.DirectoryOf("c1"), ProcessIdentity.OfSelf(), s_boot);

        Assert.Equal(StoredState.Creating, _store.Look("c1").State);
    }

    [Fact]
    public void A_create_of_another_boot_is_abandoned()
    {
        using ContainerLock held = _store.Claim("c1", Refuse);
        using Journal journal = Journal.Begin(_store.DirectoryOf("c1"), ProcessIdentity.OfSelf(), "another boot");

        Assert.Equal(StoredState.Abandoned, _store.Look("c1").State);
    }

    [Fact]
    public void A_directory_of_another_runtime_is_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(_root, "theirs"));
        File.WriteAllText(Path.Combine(_root, "theirs", "state.json"), "{}");

        Assert.Empty(_store.Ids());
        Assert.Equal(StoredState.Nothing, _store.Look("theirs").State);
        Assert.Throws<SandboxException>(() => _store.Claim("theirs", Refuse));
        Assert.True(File.Exists(Path.Combine(_root, "theirs", "state.json")));
    }

    [Fact]
    public void Another_format_is_refused_and_named()
    {
        Complete("c1");
        string file = Path.Combine(_root, "c1", "state.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"caissonFormat\":1", "\"caissonFormat\":2", StringComparison.Ordinal));

        Assert.Contains("format 2", Assert.Throws<SandboxException>(() => _store.Look("c1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_snapshot_says_how_to_get_rid_of_it()
    {
        Complete("c1");
        File.WriteAllText(Path.Combine(_root, "c1", "state.json"), "{\"caissonFormat\":1}");

        Assert.Contains("delete --force", Assert.Throws<SandboxException>(() => _store.Look("c1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Removing_leaves_nothing()
    {
        Complete("c1");

        _store.Remove("c1");

        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void The_lock_of_a_directory_that_was_deleted_meanwhile_is_not_taken_for_the_new_one()
    {
        string directory = _store.DirectoryOf("c1");
        ContainerLock first = _store.Claim("c1", Refuse);
        Directory.Delete(directory);
        using ContainerLock second = _store.Claim("c1", Refuse);
        first.Dispose();

        Assert.Throws<SandboxException>(() => ContainerLock.Take(directory, "c1", TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void Waiting_for_a_lock_ends_with_a_clear_error()
    {
        using ContainerLock held = _store.Claim("c1", Refuse);

        SandboxException busy = Assert.Throws<SandboxException>(() => ContainerLock.Take(_store.DirectoryOf("c1"), "c1", TimeSpan.FromMilliseconds(50)));

        Assert.Contains("busy", busy.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void There_is_no_lock_where_there_is_no_directory() =>
        Assert.Null(ContainerLock.Take(_store.DirectoryOf("none"), "none", TimeSpan.Zero));

    private void Complete(string id)
    {
        using ContainerLock held = _store.Claim(id, Refuse);
        using Journal journal = Journal.Begin(_store.DirectoryOf(id), s_dead, s_boot);
        _store.Save(Record(id));
    }

    private static void Refuse(StoredContainer found) => Assert.Fail("nothing to undo here");

    private static ContainerRecord Record(string id) => new()
    {
        Id = id,
        Isolation = Isolation.Namespaces,
        Status = ContainerStatus.Created,
        BootId = s_boot,
        Init = new ProcessIdentity(42, 4711),
        Bundle = "/b",
        Rootfs = "/b/rootfs",
        Created = new DateTime(2026, 11, 21, 0, 2, 15, DateTimeKind.Utc).AddTicks(1234567),
        OciVersion = "1.2.0",
        Annotations = new Dictionary<string, string> { ["a"] = "b \"c\"" },
    };
}
