using System.Text;

namespace Caisson.Linux;

/// <summary>One line of /proc/PID/mountinfo (proc(5)), with octal escapes undone.</summary>
/// <param name="Id">The mount's id.</param>
/// <param name="ParentId">The mount it is on; itself for the root of the tree.</param>
/// <param name="Device">The file system's device.</param>
/// <param name="Root">The directory of the file system that is mounted.</param>
/// <param name="MountPoint">Where, seen from the reader's root.</param>
/// <param name="Options">Per-mount options, such as <c>rw,nosuid</c>.</param>
/// <param name="OptionalFields">Propagation, such as <c>shared:5</c> and <c>master:2</c>.</param>
/// <param name="Type">The file system's type.</param>
/// <param name="Source">What was mounted.</param>
/// <param name="SuperOptions">Per-file-system options.</param>
public sealed record MountInfo(
    int Id,
    int ParentId,
    DeviceNumber Device,
    string Root,
    string MountPoint,
    string Options,
    IReadOnlyList<string> OptionalFields,
    string Type,
    string Source,
    string SuperOptions)
{
    /// <summary>Whether mounts propagate from here to peers.</summary>
    public bool IsShared => HasField("shared:");

    /// <summary>Whether mounts propagate to here from a master.</summary>
    public bool IsSlave => HasField("master:");

    /// <summary>The mounts that this process sees.</summary>
    public static IReadOnlyList<MountInfo> Read() => Parse(SmallFile.Read("/proc/thread-self/mountinfo"));

    /// <summary>The mounts that another process sees.</summary>
    public static IReadOnlyList<MountInfo> Read(int pid) => Parse(SmallFile.Read($"/proc/{pid}/mountinfo"));

    /// <summary>Reads the content of a mountinfo file.</summary>
    /// <exception cref="FormatException">A line is not one of mountinfo; the message shows it.</exception>
    public static IReadOnlyList<MountInfo> Parse(ReadOnlySpan<byte> content)
    {
        var mounts = new List<MountInfo>();
        while (!content.IsEmpty)
        {
            int end = content.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            if (!line.IsEmpty)
            {
                mounts.Add(ParseLine(line));
            }
        }

        return mounts;
    }

    private static MountInfo ParseLine(ReadOnlySpan<byte> line)
    {
        // Every space inside a field is escaped as \040, so splitting comes first.
        string[] fields = Encoding.UTF8.GetString(line).Split(' ');
        int separator = fields.Length > 6 ? Array.IndexOf(fields, "-", 6) : -1;
        if (separator < 0 || fields.Length < separator + 4)
        {
            throw Malformed(line);
        }

        string[] device = fields[2].Split(':');
        if (device.Length != 2 || !uint.TryParse(device[0], out uint major) || !uint.TryParse(device[1], out uint minor)
            || !int.TryParse(fields[0], out int id) || !int.TryParse(fields[1], out int parent))
        {
            throw Malformed(line);
        }

        return new MountInfo(
            id,
            parent,
            new DeviceNumber(major, minor),
            Unescape(fields[3]),
            Unescape(fields[4]),
            fields[5],
            fields[6..separator],
            Unescape(fields[separator + 1]),
            Unescape(fields[separator + 2]),
            Unescape(fields[separator + 3]));
    }

    private static FormatException Malformed(ReadOnlySpan<byte> line) => new($"mountinfo: not a mount: {Encoding.UTF8.GetString(line)}");

    // mangle_path escapes space, tab, newline, backslash (and '#' in sources) as three octal digits of one byte each; other bytes pass.
    private static string Unescape(string field)
    {
        if (!field.Contains('\\'))
        {
            return field;
        }

        var text = new StringBuilder(field.Length);
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && IsOctal(field[i + 1]) && IsOctal(field[i + 2]) && IsOctal(field[i + 3]))
            {
                text.Append((char)(((field[i + 1] - '0') << 6) | ((field[i + 2] - '0') << 3) | (field[i + 3] - '0')));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }

        return text.ToString();
    }

    private static bool IsOctal(char digit) => digit is >= '0' and <= '7';

    private bool HasField(string prefix)
    {
        foreach (string field in OptionalFields)
        {
            if (field.StartsWith(prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
