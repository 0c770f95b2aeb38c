namespace Caisson;

/// <summary>Every command by name. Only the one that is asked for is made.</summary>
internal static class CommandTable
{
    /// <summary>The commands that help lists, in its order.</summary>
    internal static readonly string[] Names =
    [
        "create", "start", "run", "exec", "state", "list", "ps", "kill", "delete", "pause", "resume", "update", "events", "checkpoint", "restore",
        "sandbox", "network", "spec", "features", "compatibility", "do", "check", "env", "guest", "completion", "version",
    ];

    internal static Command? Find(string name) => name switch
    {
        "create" => new CreateCommand(),
        "start" => new StartCommand(),
        "run" => new RunCommand(),
        "exec" => new ExecCommand(),
        "state" => new StateCommand(),
        "list" => new ListCommand(),
        "ps" => new PsCommand(),
        "kill" => new KillCommand(),
        "delete" => new DeleteCommand(),
        "pause" => new PauseCommand(),
        "resume" => new ResumeCommand(),
        "update" => new UpdateCommand(),
        "events" => new EventsCommand(),
        "checkpoint" => new CheckpointCommand(),
        "restore" => new RestoreCommand(),
        "sandbox" => new SandboxCommand(),
        "network" => new NetworkCommand(),
        "spec" => new SpecCommand(),
        "features" => new FeaturesCommand(),
        "compatibility" => new CompatibilityCommand(),
        "do" => new DoCommand(),
        "check" => new CheckCommand(),
        "env" => new EnvCommand(),
        "guest" => new GuestCommand(),
        "completion" => new CompletionCommand(),
        "version" => new VersionCommand(),
        _ => HiddenVerbs.Find(name),
    };
}
