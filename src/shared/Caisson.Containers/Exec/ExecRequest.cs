using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>What <see cref="ContainerExec.Start"/> needs to know. Descriptors stay the caller's.</summary>
public sealed record ExecRequest
{
    /// <summary>The container's id, for messages and for the state that a seccomp agent is sent.</summary>
    public required string Id { get; init; }

    /// <summary>The bundle's directory.</summary>
    public required string Bundle { get; init; }

    /// <summary>The container's configuration: seccomp and the rest that an exec shares with init.</summary>
    public required OciSpec Spec { get; init; }

    /// <summary>The process to run, complete: the caller has merged command line and configuration.</summary>
    public required OciProcess Process { get; init; }

    /// <summary>The container's init; the caller has checked that it is alive and not paused.</summary>
    public required int InitPid { get; init; }

    /// <summary>The container's cgroup; null leaves the process in the caller's.</summary>
    public Cgroup? Cgroup { get; init; }

    /// <summary>The workload's standard streams; null inherits the caller's.</summary>
    public StandardStreams? Streams { get; init; }

    /// <summary>Where the master of the terminal is sent, if <see cref="OciProcess.Terminal"/>.</summary>
    public UnixSocket? ConsoleSocket { get; init; }

    /// <summary>See <see cref="ContainerRequest.RawTerminal"/>.</summary>
    public bool RawTerminal { get; init; }

    /// <summary>How many descriptors from 3 up the process inherits.</summary>
    public int PreserveFds { get; init; }

    /// <summary>See <see cref="ContainerRequest.Verb"/>.</summary>
    public InitVerb? Verb { get; init; }

    /// <summary>See <see cref="ContainerRequest.FinalStep"/>.</summary>
    public Func<int>? FinalStep { get; init; }

    /// <summary>Until the executable runs, the process dies with the thread that started it.</summary>
    public bool DiesWithCreator { get; init; } = true;

    /// <summary>Told what the user should hear and the process can live without.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Told of the pid before the process runs.</summary>
    public Action<int>? OnPid { get; init; }

    /// <summary>Does the process that enters move itself into the cgroup (as in <see cref="InitRequest.EntersCgroup"/>)? CPU affinities are set around the move, by the creator.</summary>
    internal bool EntersCgroup => Cgroup is not null && Verb is null && Process.ExecCpuAffinity is null;
}
