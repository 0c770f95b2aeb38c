using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The records below one root. <c>ROOT/ID/</c> holds <c>journal</c> (what was begun), <c>state.json</c> (present once the container
/// exists) and <c>config.json</c> (as it was at creation: the bundle's may change). A directory without our journal is somebody else's.
/// </summary>
public sealed class ContainerStore
{
    public const string StateFile = "state.json";
    public const string ConfigFile = "config.json";

    // NotifySocket's: a directory, because it is mounted into the container before the socket is there.
    internal const string NotifyDirectory = "notify";

    private const uint DirectoryMode = 0x1C0; // 0700
    private const uint FileMode = 0x180; // 0600

    // A snapshot holds the annotations of a config.json, whose own limit is 4 MiB.
    private const int LargestFileBytes = 16 << 20;

    private readonly string _root;

    public ContainerStore(string root) => _root = root;

    public string DirectoryOf(string id) => Path.Combine(_root, id);

    public string ConfigOf(string id) => Path.Combine(_root, id, ConfigFile);

    /// <summary>The ids below the root that are ours, in order. A root that does not exist holds none.</summary>
    public IReadOnlyList<string> Ids()
    {
        var ids = new List<string>();
        try
        {
            foreach (string directory in Directory.EnumerateDirectories(_root))
            {
                string id = Path.GetFileName(directory);
                if (ContainerId.IsValid(id) && File.Exists(Path.Combine(directory, Journal.FileName)))
                {
                    ids.Add(id);
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
        }

        ids.Sort(StringComparer.Ordinal);
        return ids;
    }

    /// <summary>What there is under an id.</summary>
    /// <exception cref="SandboxException">A record that is damaged or of another format.</exception>
    public StoredContainer Look(string id)
    {
        if (!ContainerId.IsValid(id))
        {
            return StoredContainer.Nothing;
        }

        string directory = DirectoryOf(id);
        // The snapshot first: when it is there, the journal needs no reading.
        string file = Path.Combine(directory, StateFile);
        if (File.Exists(Path.Combine(directory, Journal.FileName)))
        {
            byte[]? bytes = TryReadFile(file);
            if (bytes is not null)
            {
                return new StoredContainer(StoredState.Complete, RecordFormat.Read(file, bytes), null);
            }
        }
        else
        {
            return StoredContainer.Nothing;
        }

        JournalContents? journal = JournalContents.Read(directory);
        bool works = journal is not null && journal.BootId == BootId.Read() && journal.Owner.IsAlive;
        return new StoredContainer(works ? StoredState.Creating : StoredState.Abandoned, null, journal);
    }

    /// <exception cref="NoSuchContainerException">No complete container has this id.</exception>
    public ContainerRecord Load(string id) => Look(id) switch
    {
        { State: StoredState.Complete, Record: { } record } => record,
        { State: StoredState.Creating } => throw new SandboxException($"container {id} is still being created"),
        _ => throw new NoSuchContainerException(),
    };

    /// <summary>Makes the directory for a new container, or takes over one that a killed create left; returns it locked.</summary>
    /// <param name="id">A checked id.</param>
    /// <param name="undo">Undoes what an abandoned journal lists.</param>
    /// <exception cref="SandboxException">The id is taken, in runc's words.</exception>
    public ContainerLock Claim(string id, Action<StoredContainer> undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        string directory = DirectoryOf(id);
        while (true)
        {
            if (!FileCalls.TryMakeDirectory(directory, DirectoryMode, out Errno why) && why != Errno.EEXIST)
            {
                throw new SandboxException($"container {id}: mkdir {directory}: {Failure.Words(why)}");
            }

            // A directory that vanishes under us was deleted by somebody who then lets go: make it anew.
            ContainerLock? held = ContainerLock.Take(directory, id, ContainerLock.Patience);
            if (held is null)
            {
                if (File.Exists(directory) || new FileInfo(directory).LinkTarget is not null)
                {
                    throw new SandboxException("container with given ID already exists");
                }

                continue;
            }

            try
            {
                ClearAbandoned(id, directory, undo);
                return held;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
    }

    /// <summary>Replaces the snapshot by writing beside it and renaming.</summary>
    public void Save(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        WriteFile(record.Id, StateFile, RecordFormat.Write(record));
    }

    /// <summary>Keeps the configuration that the container was made from.</summary>
    public void SaveConfig(string id, ReadOnlySpan<byte> config) => WriteFile(id, ConfigFile, config);

    /// <summary>Removes a container's records. The lock on the directory outlives the name and ends with its holder.</summary>
    public void Remove(string id)
    {
        string directory = DirectoryOf(id);
        // The snapshot first and the journal last: between them the container is "abandoned", never "somebody else's".
        File.Delete(Path.Combine(directory, StateFile));
        RemoveFiles(directory, except: Journal.FileName);
        File.Delete(Path.Combine(directory, Journal.FileName));
        Directory.Delete(directory);
    }

    private static void RemoveFiles(string directory, string? except)
    {
        string notify = Path.Combine(directory, NotifyDirectory);
        if (Directory.Exists(notify))
        {
            RemoveFiles(notify, except: null);
            Directory.Delete(notify);
        }

        foreach (string file in Directory.EnumerateFiles(directory))
        {
            if (Path.GetFileName(file) != except)
            {
                File.Delete(file);
            }
        }
    }

    private void ClearAbandoned(string id, string directory, Action<StoredContainer> undo)
    {
        StoredContainer found = Look(id);
        bool foreign = found.State == StoredState.Nothing && Directory.EnumerateFileSystemEntries(directory).GetEnumerator().MoveNext();
        if (foreign || found.State == StoredState.Complete)
        {
            throw new SandboxException("container with given ID already exists");
        }

        // We hold the lock, so a journal without a snapshot has lost its writer, whatever its owner does now.
        if (found.State is StoredState.Abandoned or StoredState.Creating)
        {
            undo(found);
            RemoveFiles(directory, except: null);
        }
    }

    private void WriteFile(string id, string name, ReadOnlySpan<byte> bytes)
    {
        string final = Path.Combine(_root, id, name);
        string beside = final + ".new";
        try
        {
            using (FileFd file = FileCalls.Open(beside, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, FileMode))
            {
                file.WriteAll(bytes);
            }

            FileCalls.Rename(beside, final);
        }
        catch (SyscallException cause)
        {
            FileCalls.TryRemove(beside, isDirectory: false, out _);
            throw new SandboxException($"container {id}: write {final}: {Failure.Words(cause.Errno)}", cause);
        }
    }

    private static byte[]? TryReadFile(string file)
    {
        try
        {
            return SmallFile.Read(file, LargestFileBytes);
        }
        catch (SyscallException missing) when (missing.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
    }
}

/// <summary>How far a container's records have come.</summary>
public enum StoredState
{
    /// <summary>Nothing of ours is under this id.</summary>
    Nothing,

    /// <summary>A command that is alive is creating it.</summary>
    Creating,

    /// <summary>The command that was creating or deleting it died: only undoing is left.</summary>
    Abandoned,

    /// <summary>It exists.</summary>
    Complete,
}

/// <summary>What the store found under an id.</summary>
/// <param name="State">How far it has come.</param>
/// <param name="Record">Its snapshot, when complete.</param>
/// <param name="Journal">Its journal, when not.</param>
public sealed record StoredContainer(StoredState State, ContainerRecord? Record, JournalContents? Journal)
{
    public static readonly StoredContainer Nothing = new(StoredState.Nothing, null, null);
}
