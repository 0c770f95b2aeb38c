namespace Caisson;

/// <summary>The command table as completion scripts need it. All of them are made from this, so none can miss a flag.</summary>
internal static class CompletionTable
{
    /// <summary>The names that the executable is called by.</summary>
    internal static readonly string[] Programs = ["caisson", "caisson-vm", "caisson-namespaces"];

    internal static IEnumerable<Command> Commands()
    {
        foreach (string name in CommandTable.Names)
        {
            yield return CommandTable.Find(name)!;
        }
    }

    /// <summary>Whether a flag's value is a path.</summary>
    internal static bool TakesPath(Flag flag) => flag.ValueName is "FILE" or "SOCKET" || TakesDirectory(flag);

    /// <summary>Whether it is the path of a directory of the host; a working directory is one of the container.</summary>
    internal static bool TakesDirectory(Flag flag) => flag.ValueName == "DIR" && flag.Name != "cwd";

    /// <summary>A flag's forms on the command line.</summary>
    internal static IEnumerable<string> Forms(Flag flag)
    {
        yield return "--" + flag.Name;
        if (flag.Short != '\0')
        {
            yield return "-" + flag.Short;
        }
    }

    /// <summary>The forms of the global flags that a word follows which is no command.</summary>
    /// <param name="except">A flag that the script treats by itself.</param>
    internal static List<string> GlobalsWithValue(string except = "")
    {
        var forms = new List<string>();
        foreach (Flag flag in GlobalOptions.Flags)
        {
            if (flag.TakesValue && flag.Name != except)
            {
                forms.AddRange(Forms(flag));
            }
        }

        return forms;
    }

    /// <summary>The forms of all flags, and of help.</summary>
    internal static string Words(IEnumerable<Flag> flags)
    {
        var words = new List<string>();
        foreach (Flag flag in flags)
        {
            words.AddRange(Forms(flag));
        }

        words.Add("--help");
        return string.Join(' ', words);
    }

    /// <summary>What completes the first argument of a command that takes no container.</summary>
    internal static string ArgumentWords(Command command) => command switch
    {
        CompletionCommand => "bash zsh fish",
        GuestCommand => "build",
        SandboxCommand => "list inspect gc",
        _ => "",
    };
}
