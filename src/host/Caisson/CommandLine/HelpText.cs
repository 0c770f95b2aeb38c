using System.Text;

namespace Caisson;

/// <summary>What <c>--help</c> says.</summary>
internal static class HelpText
{
    private const int Width = 100;

    internal static string ForProgram()
    {
        var text = new StringBuilder(
            """
            caisson - run each container in a sandbox of its own

            USAGE:
               caisson [global options] command [command options] [arguments...]

            A container is described by a bundle: a directory with a config.json of the OCI runtime
            specification and the root file system it names. By default it runs in a virtual machine of
            its own; --isolation namespaces runs it as runc does.

            EXAMPLES:
               caisson check                        what this machine can do, and how to mend the rest
               caisson run --bundle DIR ID          run a bundle
               caisson do -- make test              run a command on this root file system, sandboxed

            COMMANDS:

            """);
        foreach (string name in CommandTable.Names)
        {
            text.Append("   ").Append(name.PadRight(12)).Append(CommandTable.Find(name)!.Summary).Append('\n');
        }

        text.Append("   help        this text, or that of one command\n\nGLOBAL OPTIONS:\n");
        AppendFlags(text, GlobalOptions.Flags);
        return text.ToString();
    }

    internal static string ForCommand(Command command)
    {
        var text = new StringBuilder();
        text.Append("caisson ").Append(command.Name).Append(" - ").Append(command.Summary).Append("\n\nUSAGE:\n   ").Append(UsageLine(command)).Append('\n');
        if (command.Description.Length > 0)
        {
            text.Append('\n').Append(command.Description.TrimEnd()).Append('\n');
        }

        text.Append("\nOPTIONS:\n");
        AppendFlags(text, command.Flags);
        text.Append("\nThe global options (caisson --help) stand before the command's name.\n");
        return text.ToString();
    }

    internal static string UsageLine(Command command) => $"caisson {command.Name} {command.Usage}".TrimEnd();

    private static void AppendFlags(StringBuilder text, IReadOnlyList<Flag> flags)
    {
        int column = "--help, -h".Length;
        foreach (Flag flag in flags)
        {
            column = Math.Max(column, flag.Shape().Length);
        }

        column += 2;
        foreach (Flag flag in flags)
        {
            AppendWrapped(text, flag.Shape().PadRight(column), flag.Help);
        }

        AppendWrapped(text, "--help, -h".PadRight(column), "this text");
    }

    private static void AppendWrapped(StringBuilder text, string shape, string help)
    {
        text.Append("   ").Append(shape);
        int room = Math.Max(40, Width - 3 - shape.Length);
        int used = 0;
        foreach (string word in help.Split(' '))
        {
            if (used > 0 && used + 1 + word.Length > room)
            {
                text.Append('\n').Append(' ', 3 + shape.Length);
                used = 0;
            }

            if (used > 0)
            {
                text.Append(' ');
                used++;
            }

            text.Append(word);
            used += word.Length;
        }

        text.Append('\n');
    }
}
