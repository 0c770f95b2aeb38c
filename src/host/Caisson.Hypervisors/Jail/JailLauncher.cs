using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// The hidden verb <c>launch</c>: the process that the supervisor cloned into new namespaces, on its way to becoming QEMU or
/// virtiofsd. Each step takes something away, in the only order in which the steps before still have what they need.
/// </summary>
public static class JailLauncher
{
    /// <summary>The verb's name on the command line.</summary>
    public const string Verb = "launch";

    /// <summary>Where the instructions are inherited.</summary>
    public const int InstructionsDescriptor = 3;

    /// <summary>The exit code when a step failed: distinct from what QEMU (1) and shells (126, 127) use.</summary>
    public const int FailureExitCode = 125;

    /// <summary>Does not return, unless a step fails: then says which one on standard error.</summary>
    public static int Run()
    {
        string step = "read the instructions";
        try
        {
            using var file = FileFd.FromNumber(InstructionsDescriptor);
            JailInstructions instructions = JailInstructions.Read(file);

            step = "set limits";
            SetLimits(instructions);

            step = "enter the jail's root";
            EnterRoot(instructions);

            step = "keep the descriptors";
            KeepDescriptors(instructions.Descriptors);

            step = $"become uid {instructions.Identity?.Uid ?? 0}";
            DropPrivileges(instructions);

            step = $"execute {instructions.Executable}";
            using PreparedExec program = PreparedExec.OfPath(
                instructions.Executable, [instructions.Executable, .. instructions.Arguments], instructions.Environment);
            SignalState.ResetForExec();
            Errno why = program.Execute();
            return Fail(step, why.Describe());
        }
        catch (Exception cause) when (cause is IOException or System.Text.Json.JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return Fail(step, cause.Message);
        }
    }

    private static void EnterRoot(JailInstructions instructions)
    {
        if (instructions.RootMountPoint is null)
        {
            // Receives the supervisor's later mounts in the shared directory, and gives nothing back.
            MountCalls.SetPropagation("/", MountPropagation.Slave, recursive: true);
            return;
        }

        JailRoot.Enter(instructions);
    }

    private static void SetLimits(JailInstructions instructions)
    {
        if (instructions.OomScoreAdjustment is { } adjustment)
        {
            Scheduling.SetOomScoreAdjustment(0, adjustment);
        }

        // A core of QEMU would be the guest's memory on the host's disk.
        ResourceLimits.Set(0, ResourceLimit.RLIMIT_CORE, new ResourceLimitPair(0, 0));
        if (instructions.OpenFiles is { } openFiles)
        {
            ulong most = Math.Min(openFiles, ResourceLimits.Get(0, ResourceLimit.RLIMIT_NOFILE).Hard);
            ResourceLimits.Set(0, ResourceLimit.RLIMIT_NOFILE, new ResourceLimitPair(most, most));
        }
    }

    private static void KeepDescriptors(IReadOnlyList<int> kept)
    {
        Descriptors.CloseOnExecFrom(InstructionsDescriptor);
        foreach (int number in kept)
        {
            FileFd descriptor = FileFd.FromNumber(number);
            descriptor.SetCloseOnExec(false);
            descriptor.Release();    // the program's from here on
        }
    }

    // Bounding first, it needs CAP_SETPCAP; then the ids, which need CAP_SETUID; then the rest, which needs nothing.
    private static void DropPrivileges(JailInstructions instructions)
    {
        CapabilitySet kept = instructions.Identity is null
            ? instructions.Capabilities.Intersect(Capabilities.Get().Permitted)    // we may have fewer than all ourselves
            : CapabilitySet.Empty;
        Capabilities.DropBounding(kept);
        UserIds.SetSupplementaryGroups([]);
        if (instructions.Identity is { } identity)
        {
            UserIds.SetGroup(identity.Gid);
            UserIds.SetUser(identity.Uid);
        }

        Capabilities.ApplyAfterUser(new CapabilitySets(kept, kept, kept, CapabilitySet.Empty, CapabilitySet.Empty));
        Prctl.SetNoNewPrivileges();
    }

    private static int Fail(string step, string reason)
    {
        using var error = FileFd.FromNumber(2);
        _ = error.TryWrite(System.Text.Encoding.UTF8.GetBytes($"launch: {step}: {reason}\n"), out _, out _);
        return FailureExitCode;
    }
}
