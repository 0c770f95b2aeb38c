using System.Text;

namespace Caisson;

/// <summary>The script for fish.</summary>
internal static class FishCompletion
{
    internal static string Write()
    {
        var text = new StringBuilder(
            """
            # fish completion for caisson, made by `caisson completion fish`
            function __caisson_command
                set --local words (commandline --tokenize --cut-at-cursor --current-process)
                set --erase words[1]
                while set --query words[1]
                    switch $words[1]

            """);
        text.Append($"            case {string.Join(' ', CompletionTable.GlobalsWithValue())}\n");
        text.Append(
            """
                            set --erase words[1]
                        case '-*'
                        case '*'
                            echo $words[1]
                            return
                    end
                    set --erase words[1]
                end
            end

            function __caisson_is --argument-names wanted
                set --local command (__caisson_command)
                test "$command" = "$wanted"
            end

            function __caisson_containers
                set --local words (commandline --tokenize --cut-at-cursor --current-process)
                set --local at (contains --index -- --root $words); and set --local root --root $words[(math $at + 1)]
                command --query $words[1]; and command $words[1] $root list --quiet 2>/dev/null
            end


            """);
        foreach (string program in CompletionTable.Programs)
        {
            AppendProgram(text, program);
        }

        return text.ToString();
    }

    private static void AppendProgram(StringBuilder text, string program)
    {
        text.Append($"complete --command {program} --no-files\n");
        const string NoCommand = "--condition '__caisson_is \"\"'";
        AppendFlags(text, program, NoCommand, GlobalOptions.Flags);
        foreach (Command command in CompletionTable.Commands())
        {
            text.Append($"complete --command {program} {NoCommand} --arguments {command.Name} --description '{Quote(command.Summary)}'\n");
        }

        foreach (Command command in CompletionTable.Commands())
        {
            string condition = $"--condition '__caisson_is {command.Name}'";
            AppendFlags(text, program, condition, command.Flags);
            if (command.TakesContainer)
            {
                text.Append($"complete --command {program} {condition} --arguments '(__caisson_containers)'\n");
            }
            else if (CompletionTable.ArgumentWords(command) is { Length: > 0 } words)
            {
                text.Append($"complete --command {program} {condition} --arguments '{words}'\n");
            }
        }
    }

    private static void AppendFlags(StringBuilder text, string program, string condition, IReadOnlyList<Flag> flags)
    {
        foreach (Flag flag in flags)
        {
            text.Append($"complete --command {program} {condition} --long-option {flag.Name}");
            if (flag.Short != '\0')
            {
                text.Append($" --short-option {flag.Short}");
            }

            text.Append(Value(flag)).Append($" --description '{Quote(flag.Help)}'\n");
        }
    }

    private static string Value(Flag flag) => !flag.TakesValue ? ""
        : flag.Choices.Count > 0 ? $" --exclusive --arguments '{string.Join(' ', flag.Choices)}'"
        : CompletionTable.TakesDirectory(flag) ? " --exclusive --arguments '(__fish_complete_directories)'"
        : CompletionTable.TakesPath(flag) ? " --require-parameter --force-files"
        : " --exclusive";

    private static string Quote(string text) => text.Replace("\\", "\\\\").Replace("'", "\\'");
}
