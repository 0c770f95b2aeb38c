using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>exec</c>: a further process in a running container.</summary>
internal sealed class ExecCommand : Command
{
    internal override string Name => "exec";

    internal override string Summary => "run a further process in a container";

    internal override string Usage => "[options] CONTAINER COMMAND [ARGUMENTS...]  or  -p PROCESS.JSON CONTAINER";

    internal override string Description =>
        "Without --process, the process is the container's own with another command line. Its exit code is the\ncommand's; 255 means that it could not be run.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Text(CreationFlags.ConsoleSocket, "SOCKET", "a unix socket that is sent the master end of the process's terminal"),
        Flag.Text("cwd", "DIR", "the working directory in the container"),
        Flag.List("env", "NAME=VALUE", "set a variable; may be given several times", 'e'),
        Flag.Switch("tty", "give the process a terminal", 't'),
        Flag.Text("user", "UID[:GID]", "run as this user and group", 'u'),
        Flag.Numbers("additional-gids", "GID", "a further group; may be given several times", 'g'),
        Flag.Text("process", "FILE", "read the process object from this file", 'p'),
        Flag.Switch("detach", "do not wait for the process's end", 'd'),
        Flag.Text(CreationFlags.PidFile, "FILE", "write the process's pid to this file"),
        Flag.Text("process-label", "LABEL", "the process's SELinux label"),
        Flag.Text("apparmor", "PROFILE", "the process's AppArmor profile"),
        Flag.Switch("no-new-privs", "rule out gaining privileges by execve"),
        Flag.List("cap", "CAPABILITY", "add a capability; may be given several times", 'c'),
        Flag.Number(CreationFlags.PreserveFds, "pass N descriptors from 3 up to the process"),
        Flag.List("cgroup", "[CONTROLLER:]PATH", "run in an existing cgroup below the container's"),
        Flag.Switch("ignore-paused", "allow a paused container"),
        Flag.Switch("no-subreaper", "leave orphans of the process to the host's init"),
    ];

    internal override int MostArguments => int.MaxValue;

    internal override bool StopsAtFirstArgument => true;

    internal override int FailureCode => 255;

    internal override string FailurePrefix => "exec failed: ";

    internal override bool EntersContainer => true;

    internal override bool PassesSignals(FlagValues flags) => !flags.IsSet("detach");

    internal override int Run(Invocation invocation)
    {
        FlagValues flags = invocation.Flags;
        var passed = PassedDescriptors.ForExec(flags);
        var runtime = new Runtime(invocation);
        (ContainerRecord record, IContainerBackend backend) = runtime.Load(invocation.Arguments[0]);
        CheckStatus(backend.Look(record).Status, flags.IsSet("ignore-paused"));

        OciSpec spec = runtime.Spec(record.Id);
        OciProcess process = ExecProcess.Build(spec, flags, invocation.Arguments);
        SpecValidator.ValidateProcess(process).ThrowIfInvalid("process");
        bool detach = flags.IsSet("detach");
        string? consoleSocket = flags.Text(CreationFlags.ConsoleSocket) is { Length: > 0 } socket ? socket : null;
        CreationFlags.CheckTerminal(process, detach, consoleSocket);
        string? pidFile = CreateCommand.AbsolutePidFile(invocation);
        return backend.Exec(record, spec, new ExecOrder
        {
            Process = process,
            ConsoleSocket = consoleSocket,
            Started = pid =>
            {
                PidFile.Write(pidFile, pid);
                invocation.Log.Debug($"container {record.Id}: process {pid} started");
            },
            Detach = detach,
            PreserveFds = passed.Count,
            IgnorePaused = flags.IsSet("ignore-paused"),
            Cgroups = flags.List("cgroup"),
            NoSubreaper = flags.IsSet("no-subreaper"),
        });
    }

    private static void CheckStatus(ContainerStatus status, bool ignorePaused)
    {
        if (status == ContainerStatus.Stopped)
        {
            throw new SandboxException("cannot exec in a stopped container");
        }

        if (status == ContainerStatus.Paused && !ignorePaused)
        {
            throw new SandboxException("cannot exec in a paused container (use --ignore-paused to override)");
        }
    }
}
