using System.Globalization;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The command lines and descriptors of a sandbox's two daemons: the supervisor, and the guardian that starts it again. Both are this
/// executable under a hidden verb; both get the listening sockets under fixed numbers.
/// </summary>
internal sealed record SupervisorCommand(string SandboxDirectory, bool Reattach, int Attempt)
{
    internal const int ControlNumber = 3;
    internal const int DescriptorsNumber = 4;
    internal const int SupervisorNumber = 5;
    internal const int LifelineNumber = 6;

    private const string Self = "/proc/self/exe";

    // A daemon that is idle most of the time: without this budget its heap grows to the size of the L3 cache before the first collection.
    private static readonly string[] s_environment = [HostPrograms.UsualPath, "DOTNET_GCgen0size=80000"];

    /// <summary>The sandbox's id: its directory's name.</summary>
    internal string SandboxId => SandboxDirectory[(SandboxDirectory.LastIndexOf('/') + 1)..];

    internal static SupervisorCommand Parse(ReadOnlySpan<string> arguments)
    {
        string? directory = null;
        bool reattach = false;
        int attempt = 0;
        foreach (string argument in arguments)
        {
            if (argument == "--reattach")
            {
                reattach = true;
            }
            else if (argument.StartsWith("--attempt=", StringComparison.Ordinal))
            {
                attempt = int.Parse(argument.AsSpan("--attempt=".Length), CultureInfo.InvariantCulture);
            }
            else
            {
                directory = argument;
            }
        }

        return new SupervisorCommand(directory ?? throw new SandboxException("supervisor: no sandbox directory given"), reattach, attempt);
    }

    /// <summary>Starts a new sandbox's supervisor in a mount namespace of its own; it outlives the caller.</summary>
    internal ClonedProcess StartSupervisor(UnixSocket control, UnixSocket descriptors)
    {
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        using FileFd log = FileCalls.Open(
            $"{SandboxDirectory}/supervisor.log", OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND, 0x180 /* 0600 */);
        return new PreparedClone()
            .Setsid()
            .DuplicateTo(nothing, 0)
            .DuplicateTo(nothing, 1)
            .DuplicateTo(log, 2)
            .DuplicateTo(control, ControlNumber)
            .DuplicateTo(descriptors, DescriptorsNumber)
            .CloseRangeFrom(SupervisorNumber)
            .Chdir("/")
            .ResetSignals()
            .Execve(Self, Arguments(SupervisorProgram.Verb), s_environment)
            .Start(CloneFlags.NewNs);
    }

    /// <summary>Starts the guardian of this process, which is the supervisor; it stays in this mount namespace.</summary>
    internal ClonedProcess StartGuardian(UnixSocket control, UnixSocket descriptors, FileFd lifeline)
    {
        using PidFd self = PidFd.Open(Environment.ProcessId);
        return new PreparedClone()
            .Setsid()
            .DuplicateTo(control, ControlNumber)
            .DuplicateTo(descriptors, DescriptorsNumber)
            .DuplicateTo(self, SupervisorNumber)
            .DuplicateTo(lifeline, LifelineNumber)
            .CloseRangeFrom(LifelineNumber + 1)
            .ResetSignals()
            .Execve(Self, Arguments(GuardianProgram.Verb), s_environment)
            .Start();
    }

    /// <summary>Turns this process, a guardian, into the supervisor. Returns only when that failed.</summary>
    internal Errno BecomeSupervisor()
    {
        using var exec = PreparedExec.OfPath(Self, (this with { Reattach = true }).Arguments(SupervisorProgram.Verb), s_environment);
        return exec.Execute();
    }

    private List<string> Arguments(string verb)
    {
        var arguments = new List<string> { "caisson", verb, SandboxDirectory, string.Create(CultureInfo.InvariantCulture, $"--attempt={Attempt}") };
        if (Reattach)
        {
            arguments.Add("--reattach");
        }

        return arguments;
    }
}
