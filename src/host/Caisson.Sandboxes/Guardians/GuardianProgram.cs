using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The hidden verb <c>guardian</c>: a small process beside the supervisor that waits for its death and then becomes the supervisor
/// itself, in the same mount namespace and cgroup and with the same listening sockets. An engine may never call again, so nobody else
/// would notice. One thread, no heap to speak of.
/// </summary>
public static class GuardianProgram
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "guardian";

    // A supervisor that cannot live is not started for ever: after this many deaths in quick succession the sandbox is ended.
    private const int MaxAttempts = 5;

    // A supervisor that lived this long has recovered.
    private const long RecoveredAfterMilliseconds = 10_000;

    /// <summary>Runs until the sandbox has ended, or becomes its supervisor.</summary>
    /// <param name="arguments">The arguments after the verb.</param>
    /// <returns>The exit code.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        SupervisorCommand command = SupervisorCommand.Parse(arguments);
        long began = Environment.TickCount64;
        // Inherited, and kept over the exec: were it opened here or there, keepers could find it let go in between.
        using FileFd lifeline = FileFd.FromNumber(SupervisorCommand.LifelineNumber);
        using PidFd supervisor = PidFd.FromNumber(SupervisorCommand.SupervisorNumber);
        Poller.Wait(supervisor, PollEvents.In, Timeout.InfiniteTimeSpan);

        SandboxSnapshot snapshot;
        try
        {
            snapshot = SnapshotFile.Read(command.SandboxDirectory);
        }
        catch (SandboxException)
        {
            return 0;       // its directory was removed: the sandbox has ended
        }

        if (snapshot.Status == SandboxStatus.Stopped)
        {
            return 0;
        }

        bool recovered = Environment.TickCount64 - began > RecoveredAfterMilliseconds;
        int attempt = recovered ? 1 : command.Attempt + 1;
        if (attempt <= MaxAttempts)
        {
            // The descriptors this process inherited under the numbers the supervisor expects stay open over the exec.
            Errno why = (command with { Attempt = attempt }).BecomeSupervisor();
            new SupervisorLog(command.SandboxId).Error($"guardian: execute the supervisor: {why.Describe()}");
        }

        new SupervisorLog(command.SandboxId).Error("guardian: the supervisor cannot live; the sandbox is ended");
        SandboxRemains.Kill(snapshot);
        return 1;
    }
}
