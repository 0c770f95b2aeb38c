using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What every command on containers works with: the places, the records, and the backend of each isolation.</summary>
internal sealed class Runtime
{
    private readonly GlobalOptions _globals;
    private readonly CommandLog _log;

    internal Runtime(Invocation invocation)
    {
        _globals = invocation.Globals;
        _log = invocation.Log;
        string? runtimeDirectory = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        Places = RuntimePlaces.Decide(_globals.Root, UserIds.EffectiveUser, runtimeDirectory, IsOrdinaryUser(runtimeDirectory));
        Store = new ContainerStore(Places.Root);
    }

    // The root of a user namespace that a user made for himself (podman does) has kept his variables; as runc decides.
    private static bool IsOrdinaryUser(string? runtimeDirectory) =>
        UserIds.EffectiveUser != 0
        || (!string.IsNullOrEmpty(runtimeDirectory) && Environment.GetEnvironmentVariable("USER") is not "root" && UserIds.IsInUserNamespace);

    internal RuntimePlaces Places { get; }

    internal ContainerStore Store { get; }

    /// <summary>The backend that a new container gets; whether it is possible here is not asked.</summary>
    internal IContainerBackend Select(IReadOnlyDictionary<string, string>? annotations) =>
        Backend(Choice(ConfigurationReader.Read(_globals.Config)).For(annotations));

    /// <summary>All that speaks for one isolation or another.</summary>
    internal IsolationChoice Choice(Configuration configuration) => new()
    {
        Flag = _globals.Isolation,
        Environment = Environment.GetEnvironmentVariable(IsolationChoice.Variable),
        ProgramName = Environment.GetCommandLineArgs()[0],
        Configuration = configuration,
    };

    /// <summary>The backend of an isolation; of an existing container it is the one in its record, whatever is configured now.</summary>
    internal IContainerBackend Backend(Isolation isolation) => isolation switch
    {
        Isolation.Namespaces => new NamespacesBackend(Places.Root, _log.Warning),
        Isolation.Vm => new VmBackend(Places.Sandboxes, () => MachineAssets.Find(ConfigurationReader.Read(_globals.Config).Vm) with { Debug = _globals.Debug }, _log.Warning),
        _ => new UnavailableBackend(isolation, "the application kernel is not there yet; use vm or namespaces"),
    };

    /// <exception cref="NoSuchContainerException">There is none.</exception>
    internal (ContainerRecord Record, IContainerBackend Backend) Load(string id)
    {
        ContainerRecord record = Store.Load(id);
        return (record, Backend(record.Isolation));
    }

    /// <summary>The container whose machine is to take a further one; null where none is named.</summary>
    /// <exception cref="SandboxException">There is none, it has no machine, or another isolation is asked for.</exception>
    internal ContainerRecord? LoadSandbox(string? id)
    {
        if (string.IsNullOrEmpty(id))
        {
            return null;
        }

        ContainerRecord record;
        try
        {
            record = Store.Load(id);
        }
        catch (NoSuchContainerException)
        {
            throw new SandboxException($"--sandbox {id}: container {id} does not exist below {Places.Root}");
        }

        string own = IsolationName.Of(record.Isolation);
        return record.Isolation != Isolation.Vm
            ? throw new SandboxException($"--sandbox {id}: container {id} is of isolation {own}; only a virtual machine takes further containers")
            : !string.IsNullOrEmpty(_globals.Isolation) && _globals.Isolation != own
                ? throw new SandboxException($"--sandbox {id}: isolation {_globals.Isolation} is asked for, and the sandbox is of isolation {own}")
                : record;
    }

    /// <summary>Takes a container's lock and then loads it, so that what is read stays true.</summary>
    /// <param name="id">The container.</param>
    /// <param name="operation">What for: the command's name.</param>
    /// <exception cref="NoSuchContainerException">There is none.</exception>
    internal LockedContainer LoadLocked(string id, string operation)
    {
        switch (Store.Look(id).State)
        {
            case StoredState.Nothing:
                throw new NoSuchContainerException();
            case StoredState.Creating:
                // Its creator holds the lock for as long as it works, which may be minutes where hooks run: not waited for.
                throw new SandboxException($"cannot {operation} a container in the creating state: {id} is still being created; wait for the command that creates it");
        }

        ContainerLock held = ContainerLock.Take(Store.DirectoryOf(id), id, ContainerLock.Patience) ?? throw new NoSuchContainerException();
        try
        {
            (ContainerRecord record, IContainerBackend backend) = Load(id);
            return new LockedContainer(held, record, backend);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The configuration that a container was created with.</summary>
    internal OciSpec Spec(string id) => SpecReader.Read(Store.ConfigOf(id));
}

/// <summary>A container that nobody else changes until this is disposed.</summary>
internal sealed class LockedContainer(ContainerLock held, ContainerRecord record, IContainerBackend backend) : IDisposable
{
    internal ContainerRecord Record { get; } = record;

    internal IContainerBackend Backend { get; } = backend;

    public void Dispose() => held.Dispose();
}
