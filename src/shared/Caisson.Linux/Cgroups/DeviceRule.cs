namespace Caisson.Linux;

/// <summary>What may be done with a device.</summary>
[Flags]
public enum DeviceAccess
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Making a device file.</summary>
    MakeNode = 1,

    /// <summary>Reading.</summary>
    Read = 2,

    /// <summary>Writing.</summary>
    Write = 4,

    /// <summary>Everything.</summary>
    All = 7,
}

/// <summary>One rule about devices.</summary>
/// <param name="Allow">Whether it allows or denies.</param>
/// <param name="Kind"><c>c</c>, <c>b</c>, or <c>a</c> for both.</param>
/// <param name="Major">The major number; null for any.</param>
/// <param name="Minor">The minor number; null for any.</param>
/// <param name="Access">What the rule is about.</param>
public readonly record struct DeviceRule(bool Allow, char Kind, long? Major, long? Minor, DeviceAccess Access)
{
    /// <summary>A rule from the words of a configuration.</summary>
    /// <param name="allow">Whether it allows or denies.</param>
    /// <param name="kind"><c>a</c>, <c>b</c>, <c>c</c> or <c>u</c>; null for both.</param>
    /// <param name="major">The major number; null or -1 for any.</param>
    /// <param name="minor">The minor number; null or -1 for any.</param>
    /// <param name="access">Of r, w and m, of which one must be there; other letters mean nothing. Null or empty for all.</param>
    public static DeviceRule Parse(bool allow, string? kind, long? major, long? minor, string? access)
    {
        char letter = kind switch
        {
            null or "" or "a" => 'a',
            "c" or "u" => 'c',
            "b" => 'b',
            _ => throw new CgroupException($"device rule: type \"{kind}\" is none of a, b, c, u"),
        };
        DeviceAccess wanted = DeviceAccess.None;
        foreach (char right in access ?? "")
        {
            wanted |= right switch
            {
                'r' => DeviceAccess.Read,
                'w' => DeviceAccess.Write,
                'm' => DeviceAccess.MakeNode,
                _ => DeviceAccess.None,
            };
        }

        if (wanted == DeviceAccess.None && !string.IsNullOrEmpty(access))
        {
            throw new CgroupException($"device rule: access \"{access}\" has none of the letters r, w, m");
        }

        return new DeviceRule(allow, letter, AnyIfNegative(major), AnyIfNegative(minor), wanted == DeviceAccess.None ? DeviceAccess.All : wanted);
    }

    /// <summary>The rule as devices.allow and devices.deny of cgroup v1 take it.</summary>
    internal string ToV1()
    {
        if (Kind == 'a' && Major is null && Minor is null && Access == DeviceAccess.All)
        {
            return "a";
        }

        return $"{Kind} {Number(Major)}:{Number(Minor)} {Letters()}";
    }

    private static long? AnyIfNegative(long? number) => number is < 0 ? null : number;

    private static string Number(long? number) => number?.ToString() ?? "*";

    private string Letters() =>
        (Access.HasFlag(DeviceAccess.Read) ? "r" : "") + (Access.HasFlag(DeviceAccess.Write) ? "w" : "") + (Access.HasFlag(DeviceAccess.MakeNode) ? "m" : "");
}
