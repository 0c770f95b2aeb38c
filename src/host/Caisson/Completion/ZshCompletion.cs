using System.Text;

namespace Caisson;

/// <summary>The script for zsh: the function that compinit finds, or that is given to compdef where the script is sourced.</summary>
internal static class ZshCompletion
{
    internal static string Write()
    {
        var text = new StringBuilder();
        text.Append($"#compdef {string.Join(' ', CompletionTable.Programs)}\n# zsh completion for caisson, made by `caisson completion zsh`\n");
        text.Append(
            """
            _caisson_containers() {
                local -a ids
                ids=(${(f)"$(_call_program containers $words[1] ${(kv)opt_args[(I)--root]} list --quiet 2>/dev/null)"})
                compadd -a ids
            }

            _caisson() {
                local curcontext=$curcontext state ret=1
                typeset -A opt_args
                _arguments -C \

            """);
        AppendFlags(text, GlobalOptions.Flags);
        text.Append("        '1: :->command' '*:: :->arguments' && ret=0\n    case $state in\n        command)\n            local -a commands\n            commands=(\n");
        foreach (Command command in CompletionTable.Commands())
        {
            text.Append($"                '{command.Name}:{Quote(command.Summary)}'\n");
        }

        text.Append("            )\n            _describe command commands && ret=0 ;;\n        arguments)\n            case $words[1] in\n");
        foreach (Command command in CompletionTable.Commands())
        {
            text.Append($"                {command.Name})\n                    _arguments \\\n");
            AppendFlags(text, command.Flags);
            text.Append("        ").Append(Arguments(command)).Append(" && ret=0 ;;\n");
        }

        text.Append("            esac ;;\n    esac\n    return ret\n}\n\n");
        text.Append($"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _caisson \"$@\"\nelse\n    compdef _caisson {string.Join(' ', CompletionTable.Programs)}\nfi\n");
        return text.ToString();
    }

    private static void AppendFlags(StringBuilder text, IReadOnlyList<Flag> flags)
    {
        foreach (Flag flag in flags)
        {
            foreach (string form in CompletionTable.Forms(flag))
            {
                string repeated = flag.Kind is FlagKind.List or FlagKind.Numbers ? "*" : "";
                text.Append($"        '{repeated}{form}[{Quote(flag.Help)}]{Value(flag)}' \\\n");
            }
        }

        text.Append("        '--help[this text]' \\\n");
    }

    private static string Value(Flag flag)
    {
        if (!flag.TakesValue)
        {
            return "";
        }

        string action = flag.Choices.Count > 0 ? $"({string.Join(' ', flag.Choices)})"
            : CompletionTable.TakesDirectory(flag) ? "_files -/"
            : CompletionTable.TakesPath(flag) ? "_files"
            : "";
        return $":{Quote(flag.ValueName)}:{action}";
    }

    private static string Arguments(Command command)
    {
        string words = CompletionTable.ArgumentWords(command);
        return command.TakesContainer ? "'1:container:_caisson_containers' '*: :_default'"
            : words.Length > 0 ? $"'1: :({words})'"
            : "'*: :_default'";
    }

    // Within single quotes, and within the brackets and colons of _arguments.
    private static string Quote(string text) =>
        text.Replace("\\", "\\\\").Replace("'", "'\\''").Replace("[", "\\[").Replace("]", "\\]").Replace(":", "\\:");
}
