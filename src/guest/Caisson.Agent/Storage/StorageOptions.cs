using System.Globalization;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Mount options of a storage: flags by their names, the rest for the file system.</summary>
internal static class StorageOptions
{
    private const uint DefaultMode = 0x1FF; // 0777, as Kata's local storage

    internal static (MountFlags Flags, string? Data) Parse(IEnumerable<string> options)
    {
        MountFlags flags = 0;
        var data = new List<string>();
        foreach (string option in options)
        {
            MountFlags flag = Flag(option);
            flags |= flag;
            if (flag == 0 && option is not ("rw" or "defaults" or ""))
            {
                data.Add(option);
            }
        }

        return (flags, data.Count == 0 ? null : string.Join(',', data));
    }

    /// <summary>The permission bits of mode=OCTAL.</summary>
    internal static uint Mode(IEnumerable<string> options)
    {
        foreach (string option in options)
        {
            if (option.StartsWith("mode=", StringComparison.Ordinal))
            {
                return ParseOctal(option.AsSpan("mode=".Length));
            }
        }

        return DefaultMode;
    }

    private static uint ParseOctal(ReadOnlySpan<char> text)
    {
        uint mode = 0;
        foreach (char digit in text)
        {
            mode = digit is >= '0' and <= '7' && mode <= 0x1FF ? (mode * 8) + (uint)(digit - '0')
                : throw Refusal.Invalid(string.Create(CultureInfo.InvariantCulture, $"mode={text} is not an octal mode"));
        }

        return mode & 0xFFF;
    }

    private static MountFlags Flag(string option) => option switch
    {
        "ro" => MountFlags.MS_RDONLY,
        "nosuid" => MountFlags.MS_NOSUID,
        "nodev" => MountFlags.MS_NODEV,
        "noexec" => MountFlags.MS_NOEXEC,
        "sync" => MountFlags.MS_SYNCHRONOUS,
        "noatime" => MountFlags.MS_NOATIME,
        "nodiratime" => MountFlags.MS_NODIRATIME,
        "relatime" => MountFlags.MS_RELATIME,
        _ => 0,
    };
}
