using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Management;

/// <summary>Whose a sandbox is, by real directories, fifos and processes; and what a sweep does with what is nobody's.</summary>
public sealed class SandboxInventoryTests : IDisposable
{
    // A pid that no process has: larger than any pid_max.
    private static readonly ProcessIdentity s_dead = new(0x7ffffff0, 1);
    private static readonly string s_boot = BootId.Read();

    private readonly string _place = Directory.CreateTempSubdirectory("caisson-inventory-").FullName;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    private string Root => Path.Combine(_place, "root");

    private string Sandboxes => Path.Combine(_place, "caisson", "sandboxes");

    [Fact]
    public void Sandbox_of_a_creator_at_work_is_left_alone()
    {
        MakeSandbox("a1", ProcessIdentity.OfSelf());

        Assert.Equal(SandboxStanding.BeingCreated, Find("a1").Standing);
        Assert.Empty(SandboxSweep.Find(Take()));
    }

    [Fact]
    public void Sandbox_that_a_record_names_stays_when_it_has_ended()
    {
        MakeSandbox("a1", s_dead);
        MakeRecord("c1", "a1");

        Assert.Equal(SandboxStanding.Ended, Find("a1").Standing);
        Assert.Equal("c1", Find("a1").Containers[0].Record.Id);
        Assert.Empty(SandboxSweep.Find(Take()));
    }

    [Fact]
    public void Sandbox_that_somebody_supervises_runs()
    {
        string directory = MakeSandbox("a1", s_dead);
        MakeRecord("c1", "a1");
        using FileFd supervisor = Lifeline.Hold(directory);

        Assert.Equal(SandboxStanding.Running, Find("a1").Standing);
        Assert.Empty(SandboxSweep.Find(Take()));
    }

    [Fact]
    public void Sandbox_of_nobody_is_removed()
    {
        string directory = MakeSandbox("a1", s_dead);
        MakeRecord("c1", "another");

        Assert.Equal(SandboxStanding.Ownerless, Find("a1").Standing);
        Leftover leftover = Assert.Single(SandboxSweep.Find(Take()));
        Assert.Equal("sandbox a1", leftover.What);
        Assert.True(leftover.Remove());
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public void Sandbox_without_an_origin_is_left_alone_while_something_of_it_lives_and_while_it_is_new()
    {
        string directory = Path.Combine(Sandboxes, "a1");
        new SandboxDirectory(directory).Create();
        Assert.Equal(SandboxStanding.BeingCreated, Find("a1").Standing);

        Directory.SetLastWriteTimeUtc(directory, DateTime.UtcNow.AddHours(-1));
        using (Lifeline.Hold(directory))
        {
            Assert.Equal(SandboxStanding.Unknown, Find("a1").Standing);
            Assert.Empty(SandboxSweep.Find(Take()));
        }

        Assert.Equal(SandboxStanding.Ownerless, Find("a1").Standing);
    }

    [Fact]
    public void Half_made_container_goes_only_when_its_creator_is_dead()
    {
        var store = new ContainerStore(Root);
        Directory.CreateDirectory(Root);
        using (store.Claim("c1", static _ => { }))
        using (Journal.Begin(store.DirectoryOf("c1"), ProcessIdentity.OfSelf(), s_boot))
        {
        }

        using (store.Claim("c2", static _ => { }))
        using (Journal journal = Journal.Begin(store.DirectoryOf("c2"), s_dead, s_boot))
        {
            string made = Path.Combine(_place, "made");
            journal.Intend(new Intent(IntentKind.Directory, made));
            Directory.CreateDirectory(made);
        }

        Leftover leftover = Assert.Single(SandboxSweep.Find(Take()));
        Assert.True(leftover.Remove());

        Assert.Equal(["c1"], store.Ids());
        Assert.False(Directory.Exists(Path.Combine(_place, "made")));
    }

    [Fact]
    public void Half_made_container_that_somebody_holds_is_left()
    {
        var store = new ContainerStore(Root);
        Directory.CreateDirectory(Root);
        using ContainerLock held = store.Claim("c1", static _ => { });
        using (Journal.Begin(store.DirectoryOf("c1"), s_dead, s_boot))
        {
        }

        Assert.False(Assert.Single(SandboxSweep.Find(Take())).Remove());
        Assert.Equal(["c1"], store.Ids());
    }

    [Fact]
    public void Damaged_record_hides_nothing_else()
    {
        MakeSandbox("a1", s_dead);
        MakeRecord("c1", "a1");
        MakeRecord("c2", "a2");
        File.WriteAllText(Path.Combine(Root, "c2", ContainerStore.StateFile), "{");

        SandboxInventory inventory = Take();

        Assert.Contains("damaged", Assert.Single(inventory.Problems));
        Assert.Equal("a1", Assert.Single(inventory.Sandboxes).Id);
    }

    [Fact]
    public void Containers_of_a_pod_in_namespaces_are_one_sandbox()
    {
        var pod = new Dictionary<string, string> { ["io.kubernetes.cri.sandbox-id"] = "pod" };
        MakeRecord("pod", null, pod);
        MakeRecord("second", null, pod);
        MakeRecord("alone", null);

        Assert.Equal(["alone", "pod"], Take().Sandboxes.Select(sandbox => sandbox.Id));
        Assert.Equal(["pod", "second"], Find("pod").Containers.Select(container => container.Record.Id));
    }

    [Fact]
    public void Origin_is_read_back_equal()
    {
        SandboxOrigin origin = Origin(s_dead) with { Cgroup = "cpu=/x\n=/y", Unit = "a.scope", VirtualCpus = 2, MemoryMib = 300 };

        Assert.Equal(origin, SandboxOrigin.Parse(origin.Serialize()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"version\":2}")]
    [InlineData("{\"version\":1,\"bootId\":\"b\",\"pid\":1,\"startTime\":1,\"root\":\"relative\",\"created\":\"x\",\"vcpus\":1,\"memoryMiB\":1}")]
    public void Origin_that_cannot_be_read_is_none(string text) => Assert.Null(SandboxOrigin.Parse(System.Text.Encoding.UTF8.GetBytes(text)));

    private SandboxInventory Take() => SandboxInventory.Take(Sandboxes, [Root]);

    private FoundSandbox Find(string id) => Take().Sandboxes.Single(sandbox => sandbox.Id == id);

    private string MakeSandbox(string id, ProcessIdentity creator)
    {
        string directory = Path.Combine(Sandboxes, id);
        new SandboxDirectory(directory).Create();
        Origin(creator).Write(directory);
        return directory;
    }

    private SandboxOrigin Origin(ProcessIdentity creator) => new() { BootId = s_boot, Creator = creator, Root = Root, Created = DateTime.UtcNow };

    private void MakeRecord(string id, string? sandbox, Dictionary<string, string>? annotations = null)
    {
        Directory.CreateDirectory(Root);
        var store = new ContainerStore(Root);
        using (store.Claim(id, static _ => { }))
        using (Journal.Begin(store.DirectoryOf(id), s_dead, s_boot))
        {
            store.Save(new ContainerRecord
            {
                Id = id,
                Isolation = sandbox is null ? Isolation.Namespaces : Isolation.Vm,
                Status = ContainerStatus.Running,
                BootId = s_boot,
                Init = s_dead,
                Bundle = "/bundle",
                Rootfs = "/bundle/rootfs",
                Created = DateTime.UtcNow,
                OciVersion = "1.0.2",
                SandboxId = sandbox,
                Annotations = annotations ?? [],
            });
        }
    }
}
