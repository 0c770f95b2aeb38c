namespace Caisson.Sandboxes;

/// <summary>
/// What may be a container's id: runc's characters (letters, digits, <c>_ + , - .</c>), not <c>.</c> or <c>..</c>,
/// and not quite as long as a file name may be, because the record's directory and the default cgroup are named by it.
/// </summary>
public static class ContainerId
{
    /// <summary>NAME_MAX of linux/limits.h, less the prefix that the default cgroup has.</summary>
    public const int LongestCharacters = 240;

    /// <exception cref="SandboxException">The id cannot name a container; in runc's words, which engines know.</exception>
    public static void Check(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length == 0)
        {
            throw new SandboxException("container id cannot be empty");
        }

        if (id.Length > LongestCharacters)
        {
            throw new SandboxException($"invalid container ID format: longer than {LongestCharacters} characters");
        }

        if (!IsValid(id))
        {
            throw new SandboxException("invalid container ID format");
        }
    }

    /// <summary>Whether a name, for instance of a directory, could be a container's id.</summary>
    public static bool IsValid(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        foreach (char c in id)
        {
            // runc's pattern is ^[\w+-\.]+$, where "+-\." is a range: plus, comma, dash, dot.
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '+' or ',' or '-' or '.'))
            {
                return false;
            }
        }

        return id.Length is > 0 and <= LongestCharacters && id is not ("." or "..");
    }
}
