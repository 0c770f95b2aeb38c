namespace Caisson.Containers;

/// <summary>
/// What init and its creator say to each other, one datagram each, the first byte this number.
/// Creator and init are the same build (one forked from the other, or the same executable), so the numbers may change freely.
/// </summary>
internal enum InitMessageKind : byte
{
    /// <summary>To init: the maps are written, the cgroup is joined.</summary>
    Proceed = 1,

    /// <summary>From the verb's process: the stage runs in this process instead; the pidfd is attached.</summary>
    Stage,

    /// <summary>From the stage that joins namespaces: this is init's pid; the pidfd is attached.</summary>
    Pid,

    /// <summary>From init: namespaces and mounts exist, the root is not entered; run the hooks prestart and createRuntime.</summary>
    RunHooks,

    /// <summary>To init: those hooks have succeeded.</summary>
    HooksDone,

    /// <summary>From init: send the attached seccomp listener on.</summary>
    SeccompListener,

    /// <summary>To init: the seccomp listener is delivered.</summary>
    SeccompDelivered,

    /// <summary>From init: everything is prepared, the executable is found.</summary>
    Ready,

    /// <summary>To init: the state is written, live on without the creator.</summary>
    Commit,

    /// <summary>From init: the parent's death no longer matters.</summary>
    Committed,

    /// <summary>To init without fifo: execute the workload.</summary>
    Start,

    /// <summary>From init: a step failed; errno and text follow. Init ends.</summary>
    Failed,

    /// <summary>From init: something the user should hear; text follows.</summary>
    Warning,
}
