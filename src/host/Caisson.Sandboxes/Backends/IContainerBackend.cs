using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// One kind of isolation, as the commands see it: they are written once, over this. A backend acts on containers whose records the
/// caller has loaded; the caller holds the container's lock wherever a method changes something, except for <see cref="Kill"/> and
/// <see cref="Exec"/>, which must work while another command hangs.
/// </summary>
public interface IContainerBackend
{
    Isolation Isolation { get; }

    /// <summary>Fails with the reason and the remedy if this machine cannot isolate so; a weaker isolation is never taken instead.</summary>
    /// <exception cref="SandboxException">It cannot.</exception>
    void RequirePossible();

    /// <summary>Creates the container; it waits for <see cref="Start"/>. On failure everything is undone.</summary>
    /// <param name="order">What to create.</param>
    /// <param name="journal">Where intents are written before each step.</param>
    /// <returns>The container's record, of status created; already saved by way of <see cref="CreateOrder.Commit"/>.</returns>
    ContainerRecord Create(CreateOrder order, Journal journal);

    /// <summary>Executes the workload of a created container; hooks included.</summary>
    /// <param name="record">The container.</param>
    /// <param name="spec">Its configuration.</param>
    void Start(ContainerRecord record, OciSpec spec);

    /// <summary>Creates, starts and waits, in the foreground; the caller deletes afterwards. The lock is given up while it runs.</summary>
    /// <param name="order">What to run.</param>
    /// <param name="journal">Where intents are written before each step.</param>
    /// <param name="running">Called once the workload runs: the record is saved, and the lock may go.</param>
    /// <returns>The workload's exit code, or 128 plus its signal.</returns>
    int Run(CreateOrder order, Journal journal, Action<ContainerRecord> running);

    /// <summary>What is true now, whatever the record says.</summary>
    LiveContainer Look(ContainerRecord record);

    /// <summary>Sends a signal to the container's init, or to all its processes.</summary>
    void Kill(ContainerRecord record, int signal, bool all);

    /// <summary>Other containers that run and would end if this one were deleted: those of a sandbox that was made for it.</summary>
    IReadOnlyList<string> Dependents(ContainerRecord record) => [];

    /// <summary>Ends whatever still runs and removes whatever the container holds, records excepted.</summary>
    /// <param name="record">The container.</param>
    /// <param name="spec">Its configuration, for the hooks; null when it is lost.</param>
    void Delete(ContainerRecord record, OciSpec? spec);

    /// <summary>Runs a further process in the container.</summary>
    /// <returns>The exit code in the foreground, 0 when detached.</returns>
    int Exec(ContainerRecord record, OciSpec spec, ExecOrder order);

    /// <summary>The container's processes as pids of the host.</summary>
    IReadOnlyList<int> HostPids(ContainerRecord record);

    /// <summary>The lines of <c>ps</c> for the container's processes, its header first.</summary>
    /// <param name="record">The container.</param>
    /// <param name="options">ps's options; empty for the usual ones.</param>
    IReadOnlyList<string> ProcessTable(ContainerRecord record, IReadOnlyList<string> options);

    /// <summary>The container's interfaces and routes, as it sees them itself.</summary>
    NetworkListing ListNetwork(ContainerRecord record);

    /// <summary>Fails where interfaces cannot be given to the container.</summary>
    void RequireNetwork(ContainerRecord record);

    /// <summary>Waits until an interface that was put into the container's network namespace, or taken out, is or is not the container's.</summary>
    void AwaitInterface(ContainerRecord record, string name, bool isThere);

    void Pause(ContainerRecord record);

    void Unpause(ContainerRecord record);

    /// <summary>Changes limits; those that are null stay.</summary>
    void Update(ContainerRecord record, LinuxResources resources);

    /// <summary>What the container uses.</summary>
    ContainerUsage Measure(ContainerRecord record);

    /// <summary>Starts to watch for the container's end and for its memory running out.</summary>
    IContainerWatch Watch(ContainerRecord record);
}

/// <summary>What is true of a container now.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Pid">Its init's pid on the host; 0 when stopped.</param>
/// <param name="Cause">Why it stopped, where that was not its own doing and is known.</param>
public readonly record struct LiveContainer(ContainerStatus Status, int Pid, string? Cause = null);

/// <summary>A container, watched.</summary>
public interface IContainerWatch : IDisposable
{
    /// <summary>Waits until the container's memory ran out, it ended, or the time is over.</summary>
    WaitOutcome Wait(TimeSpan atMost);
}

/// <summary>Why a wait ended.</summary>
public enum WaitOutcome
{
    TimeOver,
    OutOfMemory,
    Stopped,
}
