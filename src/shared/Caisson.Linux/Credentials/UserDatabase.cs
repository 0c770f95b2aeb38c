using System.Text;

namespace Caisson.Linux;

/// <summary>A line of passwd(5).</summary>
/// <param name="Name">The login name.</param>
/// <param name="UserId">The uid.</param>
/// <param name="GroupId">The primary gid.</param>
/// <param name="Home">The home directory.</param>
/// <param name="Shell">The login shell.</param>
public sealed record UserEntry(string Name, uint UserId, uint GroupId, string Home, string Shell);

/// <summary>A line of group(5).</summary>
/// <param name="Name">The group's name.</param>
/// <param name="GroupId">The gid.</param>
/// <param name="Members">Login names.</param>
public sealed record GroupEntry(string Name, uint GroupId, IReadOnlyList<string> Members);

/// <summary>
/// The content of a container's /etc/passwd and /etc/group. Never getpwnam(3): it would load the host's name services, and libraries of
/// whoever wrote the image. Lines that cannot be read are skipped, as the C library does.
/// </summary>
public sealed class UserDatabase
{
    /// <summary>More than this is not a user database: about a hundred thousand users.</summary>
    public const int MaxFileBytes = 16 * 1024 * 1024;

    private UserDatabase(List<UserEntry> users, List<GroupEntry> groups)
    {
        Users = users;
        Groups = groups;
    }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<UserEntry> Users { get; }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<GroupEntry> Groups { get; }

    /// <summary>Reads both files' contents; empty where a file is missing.</summary>
    public static UserDatabase Parse(ReadOnlySpan<byte> passwd, ReadOnlySpan<byte> group)
    {
        var users = new List<UserEntry>();
        foreach (string line in Lines(passwd))
        {
            string[] fields = line.Split(':');
            if (fields.Length >= 7 && fields[0].Length > 0 && uint.TryParse(fields[2], out uint userId) && uint.TryParse(fields[3], out uint groupId))
            {
                users.Add(new UserEntry(fields[0], userId, groupId, fields[5], fields[6]));
            }
        }

        var groups = new List<GroupEntry>();
        foreach (string line in Lines(group))
        {
            string[] fields = line.Split(':');
            if (fields.Length >= 3 && fields[0].Length > 0 && uint.TryParse(fields[2], out uint groupId))
            {
                string members = fields.Length > 3 ? fields[3] : "";
                groups.Add(new GroupEntry(fields[0], groupId, members.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
            }
        }

        return new UserDatabase(users, groups);
    }

    /// <summary>Reads /etc/passwd and /etc/group inside a root.</summary>
    public static UserDatabase Read(FileDescriptor root) => Parse(ReadFile(root, "/etc/passwd"), ReadFile(root, "/etc/group"));

    /// <summary>The first user of this name.</summary>
    public UserEntry? FindUser(string name)
    {
        foreach (UserEntry user in Users)
        {
            if (user.Name == name)
            {
                return user;
            }
        }

        return null;
    }

    /// <summary>The first user of this uid.</summary>
    public UserEntry? FindUser(uint userId)
    {
        foreach (UserEntry user in Users)
        {
            if (user.UserId == userId)
            {
                return user;
            }
        }

        return null;
    }

    /// <summary>The first group of this name.</summary>
    public GroupEntry? FindGroup(string name)
    {
        foreach (GroupEntry group in Groups)
        {
            if (group.Name == name)
            {
                return group;
            }
        }

        return null;
    }

    /// <summary>The gids of the groups that list a user as a member.</summary>
    public IReadOnlyList<uint> GroupsOf(string userName)
    {
        var ids = new List<uint>();
        foreach (GroupEntry group in Groups)
        {
            foreach (string member in group.Members)
            {
                if (member == userName && !ids.Contains(group.GroupId))
                {
                    ids.Add(group.GroupId);
                }
            }
        }

        return ids;
    }

    private static byte[] ReadFile(FileDescriptor root, string path)
    {
        // Not blocking: the file may be a FIFO that nobody writes to.
        bool open = Rooted.TryOpen(root, path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY, out FileFd fd, out _);
        using (fd)
        {
            return open && FileCalls.Stat(fd).Type == FileType.Regular ? fd.ReadToEnd(MaxFileBytes) : [];
        }
    }

    private static string[] Lines(ReadOnlySpan<byte> content) =>
        Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
