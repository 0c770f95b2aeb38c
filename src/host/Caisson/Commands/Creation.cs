using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The way from a bundle to a container that <c>create</c>, <c>run</c> and <c>do</c> have in common.</summary>
internal sealed class Creation : IDisposable
{
    private readonly Runtime _runtime;
    private readonly string _id;
    private readonly ContainerLock _held;
    private readonly Journal _journal;
    private readonly Interruption _interruption;
    private bool _committed;

    private Creation(
        Runtime runtime, string id, CreateOrder order, IContainerBackend backend, ContainerLock held, Journal journal, Interruption interruption)
    {
        _interruption = interruption;
        _runtime = runtime;
        _id = id;
        _held = held;
        _journal = journal;
        Backend = backend;
        Order = order with { Commit = Commit };
    }

    internal IContainerBackend Backend { get; }

    /// <summary>What is asked of the backend; a caller may complete it before the backend sees it.</summary>
    internal CreateOrder Order { get; set; }

    internal Journal Journal => _journal;

    /// <summary>Reads the bundle, checks everything that can be checked before anything is made, and claims the id.</summary>
    /// <param name="runtime">The records and backends.</param>
    /// <param name="invocation">The command.</param>
    /// <param name="detach">Whether the command does not wait for the container's end.</param>
    /// <param name="isRestored">Whether the container's namespaces come out of images.</param>
    internal static Creation Begin(Runtime runtime, Invocation invocation, bool detach, bool isRestored = false)
    {
        FlagValues flags = invocation.Flags;
        var passed = PassedDescriptors.ForInit(flags);
        string id = invocation.Arguments[0];
        string bundle = EnterBundle(flags.Text(CreationFlags.Bundle));
        byte[] config = ReadConfig(bundle);
        OciSpec spec = passed.Announce(SpecReader.Parse(config, SpecReader.ConfigFileName));
        ContainerId.Check(id);
        string? consoleSocket = flags.Text(CreationFlags.ConsoleSocket) is { Length: > 0 } socket ? socket : null;
        CreationFlags.CheckTerminal(spec.Process, detach, consoleSocket);
        var order = new CreateOrder
        {
            Id = id,
            Bundle = bundle,
            Spec = spec,
            RecordDirectory = "",
            BootId = BootId.Read(),
            Commit = _ => { },
            Sandbox = runtime.LoadSandbox(flags.Text(CreationFlags.Sandbox)),
            ConsoleSocket = consoleSocket,
            Detach = detach,
            NoPivot = flags.IsSet("no-pivot"),
            NoNewKeyring = flags.IsSet("no-new-keyring"),
            NoSubreaper = flags.IsSet("no-subreaper"),
            SystemdCgroup = invocation.Globals.SystemdCgroup,
            Rootless = invocation.Globals.Rootless,
            PreserveFds = passed.Count,
            Warn = invocation.Log.Warning,
            Debug = invocation.Log.IsDebug ? invocation.Log.Debug : null,
        };
        order.Debug?.Invoke($"container {id}: {bundle}/{SpecReader.ConfigFileName} read, of version {spec.OciVersion}");
        return Claim(runtime, order, config, isRestored);
    }

    /// <summary>Claims the id of an order and begins its journal.</summary>
    internal static Creation Claim(Runtime runtime, CreateOrder order, ReadOnlySpan<byte> config, bool isRestored = false)
    {
        // Who is put into a sandbox is isolated as it is: nothing that speaks for a new sandbox counts.
        IContainerBackend backend = order.Sandbox is { } sandbox ? runtime.Backend(sandbox.Isolation) : runtime.Select(order.Spec.Annotations);
        SpecVerdict verdict = SpecValidator.Validate(order.Spec, new SpecValidation
        {
            OwnKernel = backend.Isolation != Isolation.Namespaces,
            SystemdCgroup = order.SystemdCgroup,
            Rootless = UserIds.EffectiveUser != 0,
        });
        verdict.ThrowIfInvalid(SpecReader.ConfigFileName);
        foreach (SpecProblem doubt in verdict.Warnings)
        {
            order.Warn?.Invoke($"{SpecReader.ConfigFileName}: {doubt}");
        }

        backend.RequirePossible();
        runtime.Places.EnsureRoot();
        // Told to end, what was begun is undone at once, where a command that is killed leaves that to the next one on its id.
        Interruption interruption = Interruption.Arm();
        ContainerLock? held = null;
        Journal? journal = null;
        NetworkNamespaceAhead? network = backend.Isolation == Isolation.Namespaces && !isRestored ? ContainerLauncher.TryBeginNetwork(order.Spec) : null;
        try
        {
            held = runtime.Store.Claim(order.Id, found => Undo(found, order.BootId));
            string directory = runtime.Store.DirectoryOf(order.Id);
            journal = Journal.Begin(directory, ProcessIdentity.OfSelf(), order.BootId);
            runtime.Store.SaveConfig(order.Id, config);
            order.Debug?.Invoke($"container {order.Id}: claimed in {directory}, isolation {IsolationName.Of(backend.Isolation)}");
            order = OfferNotification(order with { RecordDirectory = directory, NetworkAhead = network }, backend.Isolation);
            return new Creation(runtime, order.Id, order, backend, held, journal, interruption);
        }
        catch
        {
            network?.Dispose();
            journal?.Dispose();
            if (held is not null)
            {
                // Nothing was made yet but the record: on a full disk a part of it.
                runtime.Store.Remove(order.Id);
                held.Dispose();
            }

            interruption.Dispose();
            throw;
        }
    }

    /// <summary>The service manager's socket, if this command is a part of a service that says when it is ready.</summary>
    internal static string? NotifySocketPath => Environment.GetEnvironmentVariable(NotifySocket.Variable) is { Length: > 0 } path ? path : null;

    /// <summary>Binds the socket on which the container says that it is ready; null where nobody wants to know.</summary>
    internal NotifySocket? BindNotification() => NotifySocket.Bind(Order.RecordDirectory, NotifySocketPath);

    /// <summary>What was to follow the container's creation failed: the container goes again, as runc's does.</summary>
    internal void Withdraw(ContainerRecord record)
    {
        Backend.Delete(record, Order.Spec);
        Abandon();
    }

    /// <summary>The container is gone after all: its record goes with it.</summary>
    internal void Abandon() => _committed = false;

    /// <summary>Others may act on the container from here.</summary>
    internal void Unlock() => _held.Dispose();

    /// <summary>Closes; a creation that was not committed leaves no record.</summary>
    public void Dispose()
    {
        Order.NetworkAhead?.Dispose();
        _journal.Dispose();
        if (!_committed)
        {
            _runtime.Store.Remove(_id);
        }

        _held.Dispose();
        _interruption.Dispose();
    }

    private static CreateOrder OfferNotification(CreateOrder order, Isolation isolation)
    {
        if (NotifySocketPath is null)
        {
            return order;
        }

        if (isolation == Isolation.Namespaces)
        {
            return order with { Spec = NotifySocket.Offer(order.Spec, order.RecordDirectory) };
        }

        order.Warn?.Invoke($"{NotifySocket.Variable}: a container of isolation {IsolationName.Of(isolation)} cannot reach a socket of the host, and will not say that it is ready");
        return order;
    }

    private void Commit(ContainerRecord record)
    {
        _interruption.Complete();
        _runtime.Store.Save(record);
        _committed = true;
    }

    internal static void Undo(StoredContainer found, string bootId)
    {
        if (found.Journal is { } journal)
        {
            IntentUndo.Undo(journal, bootId);
        }
    }

    // As runc does: relative paths in a configuration, and in its hooks, begin at the bundle.
    private static string EnterBundle(string? bundle)
    {
        if (string.IsNullOrEmpty(bundle))
        {
            return Environment.CurrentDirectory;
        }

        return FileCalls.TryChangeDirectory(bundle, out Errno why)
            ? Environment.CurrentDirectory
            : throw new SandboxException($"chdir {bundle}: {Failure.Words(why)}: --bundle must name a directory with a {SpecReader.ConfigFileName}");
    }

    private static byte[] ReadConfig(string bundle)
    {
        try
        {
            return SmallFile.Read(Path.Combine(bundle, SpecReader.ConfigFileName), SpecLimits.MaxDocumentBytes);
        }
        catch (SyscallException cause) when (cause.Errno == Errno.ENOENT)
        {
            throw new SandboxException($"JSON specification file {SpecReader.ConfigFileName} not found in {bundle}: `caisson spec --bundle {bundle}` writes one to begin with", cause);
        }
    }
}
