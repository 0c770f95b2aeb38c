using System.Text;

namespace Caisson;

/// <summary>The script for bash, which needs nothing of the bash-completion package.</summary>
internal static class BashCompletion
{
    internal static string Write()
    {
        var text = new StringBuilder(
            """
            # bash completion for caisson, made by `caisson completion bash`
            _caisson() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
                local command='' words='' root=() at=1
                COMPREPLY=()
                while (( at < COMP_CWORD )); do
                    case ${COMP_WORDS[at]} in
                        --root) root=(--root "${COMP_WORDS[at+1]}"); at=$((at + 2)) ;;

            """);
        text.Append($"            {string.Join(" | ", CompletionTable.GlobalsWithValue(except: "root"))}) at=$((at + 2)) ;;\n");
        text.Append(
            """
                        -*) at=$((at + 1)) ;;
                        *) command=${COMP_WORDS[at]}; break ;;
                    esac
                done
                case "$command $previous" in

            """);
        AppendValues(text, "", GlobalOptions.Flags);
        foreach (Command command in CompletionTable.Commands())
        {
            AppendValues(text, command.Name, command.Flags);
        }

        text.Append("    esac\n    if [[ -z $command ]]; then\n");
        text.Append($"        words='{string.Join(' ', CommandTable.Names)} help'\n");
        text.Append($"        [[ $current != -* ]] || words='{CompletionTable.Words(GlobalOptions.Flags)}'\n");
        text.Append("    elif [[ $current == -* ]]; then\n        case $command in\n");
        foreach (Command command in CompletionTable.Commands())
        {
            text.Append($"            {command.Name}) words='{CompletionTable.Words(command.Flags)}' ;;\n");
        }

        text.Append("        esac\n    else\n        case $command in\n");
        AppendArguments(text);
        text.Append("        esac\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n");
        text.Append($"complete -F _caisson {string.Join(' ', CompletionTable.Programs)}\n");
        return text.ToString();
    }

    private static void AppendValues(StringBuilder text, string command, IReadOnlyList<Flag> flags)
    {
        foreach (Flag flag in flags)
        {
            if (!flag.TakesValue)
            {
                continue;
            }

            string pattern = $"\"{command} --{flag.Name}\"" + (flag.Short == '\0' ? "" : $" | \"{command} -{flag.Short}\"");
            string words = flag.Choices.Count > 0 ? $"-W '{string.Join(' ', flag.Choices)}'"
                : CompletionTable.TakesDirectory(flag) ? "-d"
                : CompletionTable.TakesPath(flag) ? "-f"
                : "";
            string reply = words.Length == 0 ? "" : $"COMPREPLY=($(compgen {words} -- \"$current\")); ";
            text.Append($"        {pattern}) {reply}return ;;\n");
        }
    }

    private static void AppendArguments(StringBuilder text)
    {
        var containers = new List<string>();
        foreach (Command command in CompletionTable.Commands())
        {
            if (command.TakesContainer)
            {
                containers.Add(command.Name);
            }
            else if (CompletionTable.ArgumentWords(command) is { Length: > 0 } words)
            {
                text.Append($"            {command.Name}) words='{words}' ;;\n");
            }
        }

        text.Append($"            {string.Join(" | ", containers)}) words=$(\"${{COMP_WORDS[0]}}\" \"${{root[@]}}\" list --quiet 2>/dev/null) ;;\n");
        text.Append($"            help) words='{string.Join(' ', CommandTable.Names)}' ;;\n");
    }
}
