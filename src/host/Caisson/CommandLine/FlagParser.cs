using System.Globalization;

namespace Caisson;

/// <summary>
/// Reads flags the way Go's flag package and runc's command line do, because engines' command lines are written for those:
/// one or two dashes before a long name, <c>--name=value</c> or <c>--name value</c>, <c>--switch=false</c>, <c>--</c> ends the flags.
/// Beyond runc, one-letter switches may be joined (<c>-it</c>).
/// </summary>
internal sealed class FlagParser
{
    private readonly IReadOnlyList<Flag> _flags;
    private readonly bool _stopsAtFirstArgument;

    /// <param name="flags">The flags that are known here.</param>
    /// <param name="stopsAtFirstArgument">Whether what follows the first argument belongs to somebody else, as in <c>exec ID ls -l</c>.</param>
    internal FlagParser(IReadOnlyList<Flag> flags, bool stopsAtFirstArgument)
    {
        _flags = flags;
        _stopsAtFirstArgument = stopsAtFirstArgument;
    }

    internal FlagValues Values { get; } = new();

    internal List<string> Arguments { get; } = [];

    /// <summary>Whether --help or -h was met; parsing stops there, so that help is given whatever else is wrong.</summary>
    internal bool WantsHelp { get; private set; }

    /// <exception cref="UsageException">An unknown flag, a missing value, or a value of the wrong kind.</exception>
    internal void Parse(ReadOnlySpan<string> words)
    {
        int next = 0;
        while (next < words.Length && !WantsHelp)
        {
            string word = words[next++];
            if (word == "--")
            {
                Arguments.AddRange(words[next..]);
                return;
            }

            // A lone dash is an argument (or a value): it means standard input.
            if (word.Length < 2 || word[0] != '-')
            {
                Arguments.Add(word);
                if (_stopsAtFirstArgument)
                {
                    Arguments.AddRange(words[next..]);
                    return;
                }

                continue;
            }

            ParseFlag(word, words, ref next);
        }
    }

    private void ParseFlag(string word, ReadOnlySpan<string> words, ref int next)
    {
        string name = word.StartsWith("--", StringComparison.Ordinal) ? word[2..] : word[1..];
        string? value = null;
        int equals = name.IndexOf('=');
        if (equals >= 0)
        {
            value = name[(equals + 1)..];
            name = name[..equals];
        }

        if (name is "help" or "h")
        {
            WantsHelp = true;
            return;
        }

        Flag? flag = Find(name);
        if (flag is null)
        {
            if (value is null && TryJoinedSwitches(word))
            {
                return;
            }

            throw new UsageException($"flag provided but not defined: -{name}");
        }

        if (!flag.TakesValue)
        {
            Values.Add(flag, ReadSwitch(name, value));
            return;
        }

        if (value is null)
        {
            value = next < words.Length ? words[next++] : throw new UsageException($"flag needs an argument: -{name}");
        }

        Values.Add(flag, CheckValue(flag, name, value));
    }

    private Flag? Find(string name)
    {
        foreach (Flag flag in _flags)
        {
            if (flag.Name == name || (name.Length == 1 && flag.Short == name[0]))
            {
                return flag;
            }
        }

        return null;
    }

    private bool TryJoinedSwitches(string word)
    {
        if (word.StartsWith("--", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (char letter in word.AsSpan(1))
        {
            if (Find(letter.ToString()) is not { TakesValue: false })
            {
                return false;
            }
        }

        foreach (char letter in word.AsSpan(1))
        {
            Values.Add(Find(letter.ToString())!, "true");
        }

        return true;
    }

    private static string ReadSwitch(string name, string? value) => value switch
    {
        null or "true" or "1" or "t" or "T" or "TRUE" or "True" => "true",
        "false" or "0" or "f" or "F" or "FALSE" or "False" => "false",
        _ => throw new UsageException($"invalid boolean value \"{value}\" for -{name}: parse error"),
    };

    private static string CheckValue(Flag flag, string name, string value)
    {
        if (flag.Kind is FlagKind.Number or FlagKind.Numbers && !int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
        {
            throw new UsageException($"invalid value \"{value}\" for flag -{name}: parse error");
        }

        return value;
    }
}
