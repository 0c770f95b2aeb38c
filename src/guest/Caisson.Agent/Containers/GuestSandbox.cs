using System.Collections.Concurrent;
using System.Threading.Channels;
using Caisson.Containers;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>What the guest holds: its containers, and what they share.</summary>
internal sealed class GuestSandbox
{
    // Own limit: a pod has a handful; each container costs about a megabyte of the guest.
    internal const int MaxContainers = 64;

    // Own limit: as many as can have a buffer of their own within the agent's memory.
    internal const int MaxProcesses = 512;

    // Own limit: a host that does not ask for events keeps the last ones.
    private const int MaxOomEvents = 256;

    private readonly ConcurrentDictionary<string, GuestContainer> _containers = new(StringComparer.Ordinal);
    private readonly Channel<string> _oom = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaxOomEvents) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Lazy<InitVerb> _initVerb = new(MakeInitVerb);
    private readonly Lazy<CgroupLayout> _cgroups = new(CgroupLayout.Discover);
    private int _prepared;

    internal GuestSandbox(ModuleGroups modules)
    {
        Modules = modules;
        Storages = new StorageTable(modules);
        Supply = new InitSupply(Reaper, () => InitVerb);
    }

    internal ModuleGroups Modules { get; }

    internal StorageTable Storages { get; }

    internal OrphanReaper Reaper { get; } = new();

    internal PortConnections Ports { get; } = new();

    internal DnsPort Dns { get; } = new();

    internal MemoryTrim Trim { get; } = new();

    internal InitSupply Supply { get; }

    internal InitVerb InitVerb => _initVerb.Value;

    internal CgroupLayout Cgroups => _cgroups.Value;

    internal ChannelWriter<string> OomEvents => _oom.Writer;

    internal IEnumerable<GuestContainer> Containers => _containers.Values;

    /// <summary>Refuses one process more than the agent can hold.</summary>
    internal void CheckProcesses()
    {
        int processes = 0;
        foreach (GuestContainer container in _containers.Values)
        {
            processes += container.Processes;
        }

        if (processes >= MaxProcesses)
        {
            throw Refusal.Limit($"this machine has {MaxProcesses} processes whose exit codes were not taken, the most it takes");
        }
    }

    /// <summary>Does what the first container needs while the host is still thinking: called at the host's first question, once.</summary>
    internal void PrepareInBackground()
    {
        if (Interlocked.Exchange(ref _prepared, 1) == 0)
        {
            _ = Blocking.Run(Prepare);
        }
    }

    /// <summary>Adds a container under an id that is not taken.</summary>
    internal void Add(GuestContainer container)
    {
        if (_containers.Count >= MaxContainers)
        {
            throw Refusal.Limit($"this machine has {MaxContainers} containers, the most it takes");
        }

        if (!_containers.TryAdd(container.Id, container))
        {
            throw new Ttrpc.TtrpcException(Ttrpc.TtrpcCode.AlreadyExists, $"container {container.Id} exists");
        }
    }

    internal void Forget(string id)
    {
        _containers.TryRemove(id, out _);
        Trim.Soon();
    }

    internal GuestContainer Find(string id) =>
        _containers.TryGetValue(id, out GuestContainer? container) ? container : throw Refusal.NotFound($"container {id} does not exist");

    internal ValueTask<string> NextOomAsync(CancellationToken cancellationToken) => _oom.Reader.ReadAsync(cancellationToken);

    private static InitVerb MakeInitVerb()
    {
        var verb = new InitVerb(SelfExecutable.OpenProtected(), ["caisson-agent", AgentProgram.InitVerb]);
        return verb with { Template = new InitTemplate(verb) };
    }

    private void Prepare()
    {
        try
        {
            Modules.Load("virtiofs");
            _ = InitVerb;
            _ = Cgroups;
            LoopbackInterface.BringUp();
            Reaper.Start();
        }
        catch (Exception failed) when (failed is SyscallException or IOException)
        {
            // Whoever needs it will meet the same error, and has somebody to tell.
            ConsoleLog.Write($"preparing: {failed.Message}");
        }
    }
}
