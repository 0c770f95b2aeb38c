namespace Caisson;

/// <summary>Turns the words of a command line into an <see cref="Invocation"/> of one <see cref="Command"/>.</summary>
internal static class CommandLineReader
{
    /// <summary>What a command line asks for.</summary>
    /// <param name="Command">The command, or null where only a text is to be printed.</param>
    /// <param name="Invocation">Its flags and arguments.</param>
    /// <param name="Text">Help or version, to be printed on standard output.</param>
    internal readonly record struct Request(Command? Command, Invocation? Invocation, string? Text);

    /// <exception cref="UsageException">The global flags or the command's name are wrong.</exception>
    internal static (GlobalOptions Globals, string[] CommandWords, string? Text) ReadGlobals(string[] words)
    {
        var parser = new FlagParser(GlobalOptions.Flags, stopsAtFirstArgument: true);
        parser.Parse(words);
        GlobalOptions globals = GlobalOptions.From(parser.Values);
        if (parser.WantsHelp || (parser.Arguments.Count == 0 && !parser.Values.IsSet("version")))
        {
            return (globals, [], HelpText.ForProgram());
        }

        return parser.Values.IsSet("version") ? (globals, [], VersionText.ForEngines()) : (globals, parser.Arguments.ToArray(), null);
    }

    /// <param name="globals">The flags before the command.</param>
    /// <param name="rest">The command's name and what follows it.</param>
    /// <param name="log">Where the command's messages go.</param>
    /// <exception cref="UsageException">The command, its flags or its arguments are wrong.</exception>
    internal static Request ReadCommand(GlobalOptions globals, string[] rest, CommandLog log)
    {
        if (rest[0] is "help" or "h")
        {
            return new Request(null, null, rest.Length > 1 ? HelpText.ForCommand(FindOrThrow(rest[1])) : HelpText.ForProgram());
        }

        Command command = FindOrThrow(rest[0]);
        if (command.TakesRawWords)
        {
            return new Request(command, new Invocation(globals, new FlagValues(), rest[1..], log), null);
        }

        var parser = new FlagParser(command.Flags, command.StopsAtFirstArgument);
        try
        {
            parser.Parse(rest.AsSpan(1));
        }
        catch (UsageException wrong)
        {
            throw WithHint(command, wrong.Message);
        }

        if (parser.WantsHelp)
        {
            return new Request(null, null, HelpText.ForCommand(command));
        }

        CheckCount(command, parser.Arguments.Count);
        return new Request(command, new Invocation(globals, parser.Values, parser.Arguments, log), null);
    }

    private static Command FindOrThrow(string name) =>
        CommandTable.Find(name) ?? throw new UsageException($"No help topic for '{name}': no such command; `caisson --help` lists them", UsageException.UnknownCommand);

    private static void CheckCount(Command command, int count)
    {
        if (count >= command.FewestArguments && count <= command.MostArguments)
        {
            return;
        }

        string wanted = command.FewestArguments == command.MostArguments ? "exactly" : count < command.FewestArguments ? "a minimum of" : "a maximum of";
        int number = count < command.FewestArguments ? command.FewestArguments : command.MostArguments;
        throw WithHint(command, $"caisson: \"{command.Name}\" requires {wanted} {number} argument(s)");
    }

    private static UsageException WithHint(Command command, string message) =>
        new($"{message}; usage: {HelpText.UsageLine(command)} (`caisson {command.Name} --help` says more)");
}
