using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// All sandboxes of a user, whoever made them: those with a directory, and those from namespaces, which records alone tell of. Records are
/// looked for where the caller says and where the sandboxes' own origins say.
/// </summary>
internal sealed class SandboxInventory
{
    // A directory without an origin is being made this very moment, or was by a command that was killed at once, or by an earlier version.
    private static readonly TimeSpan s_making = TimeSpan.FromMinutes(1);

    private readonly string _sandboxes;
    private readonly List<FoundSandbox> _found = [];
    private readonly List<FoundContainer> _containers = [];
    private readonly List<UnfinishedContainer> _unfinished = [];
    private readonly List<string> _problems = [];

    private SandboxInventory(string sandboxes) => _sandboxes = sandboxes;

    internal IReadOnlyList<FoundSandbox> Sandboxes => _found;

    /// <summary>Records without a container.</summary>
    internal IReadOnlyList<UnfinishedContainer> Unfinished => _unfinished;

    /// <summary>What could not be read, and so is neither judged nor touched.</summary>
    internal IReadOnlyList<string> Problems => _problems;

    /// <param name="sandboxes">Where sandboxes' directories lie.</param>
    /// <param name="roots">Where records may lie, beside what the sandboxes themselves say.</param>
    internal static SandboxInventory Take(string sandboxes, IEnumerable<string> roots)
    {
        var inventory = new SandboxInventory(sandboxes);
        // First who is at work, then the records: a creator that has ended meanwhile has published its record before.
        List<Beginning> beginnings = inventory.ListDirectories();
        List<string> all = [.. roots];
        foreach (Beginning beginning in beginnings)
        {
            if (beginning.Origin is { } origin)
            {
                all.Add(origin.Root);
            }
        }

        all.Sort(StringComparer.Ordinal);
        for (int i = 0; i < all.Count; i++)
        {
            if (i == 0 || all[i] != all[i - 1])
            {
                inventory.ReadRecords(all[i]);
            }
        }

        foreach (Beginning beginning in beginnings)
        {
            inventory.Judge(beginning);
        }

        inventory.AddNamespaces();
        return inventory;
    }

    private List<Beginning> ListDirectories()
    {
        var beginnings = new List<Beginning>();
        foreach (string path in DirectoriesOf(_sandboxes))
        {
            var origin = SandboxOrigin.TryRead(path);
            bool isNew = origin is null
                && FileCalls.TryStat(path, out FileStatus status, out _)
                && DateTime.UtcNow - DateTime.UnixEpoch.AddTicks(status.ModifiedUnixNanoseconds / TimeSpan.NanosecondsPerTick) < s_making;
            beginnings.Add(new Beginning(path, origin, isNew || origin is { IsCreatorAlive: true }));
        }

        return beginnings;
    }

    // One broken record must not hide the others.
    private void ReadRecords(string root)
    {
        var store = new ContainerStore(root);
        foreach (string id in store.Ids())
        {
            try
            {
                StoredContainer found = store.Look(id);
                if (found.Record is { } record)
                {
                    _containers.Add(new FoundContainer(root, record, BackendOf(root, record).Look(record)));
                }
                else if (found.State != StoredState.Nothing)
                {
                    _unfinished.Add(new UnfinishedContainer(root, id, found.Journal, found.State == StoredState.Creating));
                }
            }
            catch (SandboxException broken)
            {
                _problems.Add(broken.Message);
            }
        }
    }

    private IContainerBackend BackendOf(string root, ContainerRecord record) => record.Isolation switch
    {
        Isolation.Namespaces => new NamespacesBackend(root, static _ => { }),
        Isolation.Vm => new VmBackend(_sandboxes, static () => throw new SandboxException("nothing is started here"), static _ => { }),
        _ => throw new SandboxException($"{root}/{record.Id}: isolation {IsolationName.Of(record.Isolation)} is not there yet"),
    };

    private void Judge(Beginning beginning)
    {
        var directory = new SandboxDirectory(beginning.Path);
        SandboxSnapshot? snapshot;
        try
        {
            snapshot = directory.TryReadSnapshot();
        }
        catch (SandboxException broken)
        {
            _problems.Add(broken.Message);
            return;
        }

        List<FoundContainer> containers = _containers.FindAll(container => container.Record.SandboxId == directory.Id);
        _found.Add(new FoundSandbox
        {
            Id = directory.Id,
            Isolation = Isolation.Vm,
            Directory = beginning.Path,
            Origin = beginning.Origin,
            Snapshot = snapshot,
            Containers = containers,
            Standing = StandingOf(beginning, snapshot, containers.Count > 0),
        });
    }

    private SandboxStanding StandingOf(Beginning beginning, SandboxSnapshot? snapshot, bool isNamed)
    {
        bool isHeld = IsHeld(beginning.Path);
        if (isNamed)
        {
            return isHeld ? SandboxStanding.Running : SandboxStanding.Ended;
        }

        if (beginning.IsAtWork || _unfinished.Exists(container => container.IsCreatorAlive && Means(container, beginning.Path)))
        {
            return SandboxStanding.BeingCreated;
        }

        if (beginning.Origin is null)
        {
            return isHeld ? SandboxStanding.Unknown : SandboxStanding.Ownerless;
        }

        return isHeld && IsNamedElsewhere(beginning.Origin.Root, beginning.Path, snapshot) ? SandboxStanding.Running : SandboxStanding.Ownerless;
    }

    private static bool Means(UnfinishedContainer container, string sandboxPath)
    {
        foreach (Intent intent in container.Journal?.Open ?? [])
        {
            if (intent.Kind == IntentKind.Sandbox && intent.Key == sandboxPath)
            {
                return true;
            }
        }

        return false;
    }

    // The records may lie in a mount namespace that this process does not see (a service with a /tmp of its own): its supervisor does.
    private static bool IsNamedElsewhere(string root, string path, SandboxSnapshot? snapshot)
    {
        foreach (ProcessIdentity? process in (ReadOnlySpan<ProcessIdentity?>)[snapshot?.Supervisor, snapshot?.Guardian])
        {
            if (process is not { IsAlive: true } seer)
            {
                continue;
            }

            var store = new ContainerStore($"/proc/{seer.Pid}/root{root}");
            foreach (string id in store.Ids())
            {
                try
                {
                    if (store.Look(id).Record is { } record && path.EndsWith($"/{record.SandboxId}", StringComparison.Ordinal))
                    {
                        return true;
                    }
                }
                catch (SandboxException)
                {
                    return true;    // a record that cannot be read may be the one
                }
            }

            return false;
        }

        return false;
    }

    private static bool IsHeld(string path)
    {
        if (!Lifeline.TryWatch(path, out FileFd lifeline))
        {
            return false;
        }

        using (lifeline)
        {
            return Lifeline.IsHeld(lifeline);
        }
    }

    // A pod's containers are one sandbox; a container by itself is one too.
    private void AddNamespaces()
    {
        var pods = new Dictionary<(string Root, string Id), List<FoundContainer>>();
        foreach (FoundContainer container in _containers)
        {
            if (container.Record.Isolation == Isolation.Namespaces)
            {
                (string, string) key = (container.Root, PodOf(container.Record));
                if (!pods.TryGetValue(key, out List<FoundContainer>? pod))
                {
                    pods.Add(key, pod = []);
                }

                pod.Add(container);
            }
        }

        List<(string Root, string Id)> order = [.. pods.Keys];
        order.Sort();
        foreach ((string Root, string Id) pod in order)
        {
            List<FoundContainer> containers = pods[pod];
            bool runs = containers.Exists(static container => container.Live.Pid > 0);
            _found.Add(new FoundSandbox
            {
                Id = pod.Id,
                Isolation = Isolation.Namespaces,
                Containers = containers,
                Standing = runs ? SandboxStanding.Running : SandboxStanding.Ended,
            });
        }
    }

    private static string PodOf(ContainerRecord record)
    {
        foreach (string name in Annotations.Sandbox)
        {
            if (record.Annotations.TryGetValue(name, out string? pod) && pod.Length > 0)
            {
                return pod;
            }
        }

        return record.Id;
    }

    private static string[] DirectoriesOf(string path)
    {
        try
        {
            string[] directories = Directory.GetDirectories(path);
            Array.Sort(directories, StringComparer.Ordinal);
            return directories;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private sealed record Beginning(string Path, SandboxOrigin? Origin, bool IsAtWork);
}
