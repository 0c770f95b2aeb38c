using System.Globalization;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>As whom a command of <c>do</c> runs, and what that lets it read.</summary>
/// <param name="UserId">Inside.</param>
/// <param name="GroupId">Inside.</param>
/// <param name="Groups">Supplementary groups.</param>
/// <param name="IsMapped">
/// Whether it lives in a user namespace whose ids are nobody's on the host. That is how a caller who is root is kept from what only root
/// can read: the host's root is another user then, and its private files are as unreadable as to everybody else.
/// </param>
/// <param name="ReadsAll">Whether permissions do not stop it from reading.</param>
internal sealed record DoIdentity(uint UserId, uint GroupId, IReadOnlyList<uint> Groups, bool IsMapped, bool ReadsAll)
{
    private const uint Root = 0;

    /// <param name="user">What <c>--user</c> says; null is the caller, who is root.</param>
    /// <param name="allFiles">What <c>--all-files</c> says.</param>
    /// <exception cref="SandboxException">No such user.</exception>
    internal static DoIdentity Decide(string? user, bool allFiles)
    {
        (uint userId, uint groupId, IReadOnlyList<uint> groups) = string.IsNullOrEmpty(user) ? (Root, Root, []) : Find(user);
        return new DoIdentity(userId, groupId, groups, IsMapped: userId == Root && !allFiles, ReadsAll: allFiles);
    }

    /// <summary>Whether it may go through a directory.</summary>
    internal bool MayEnter(FileStatus directory)
    {
        if (ReadsAll)
        {
            return true;
        }

        const uint OwnerBit = 0x40;
        const uint GroupBit = 0x8;
        const uint OtherBit = 0x1;
        uint bit = IsMapped ? OtherBit
            : directory.UserId == UserId ? OwnerBit
            : directory.GroupId == GroupId || Contains(directory.GroupId) ? GroupBit
            : OtherBit;
        return (directory.Mode & bit) != 0;
    }

    private bool Contains(uint group)
    {
        foreach (uint own in Groups)
        {
            if (own == group)
            {
                return true;
            }
        }

        return false;
    }

    private static (uint UserId, uint GroupId, IReadOnlyList<uint> Groups) Find(string user)
    {
        if (HostUsers.Database.FindUser(user) is { } named)
        {
            return (named.UserId, named.GroupId, HostUsers.Database.GroupsOf(named.Name));
        }

        int colon = user.IndexOf(':');
        if (!uint.TryParse(colon < 0 ? user : user[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out uint userId))
        {
            throw new SandboxException($"--user {user}: no such user in /etc/passwd, and not UID[:GID]");
        }

        UserEntry? known = HostUsers.Database.FindUser(userId);
        if (colon < 0)
        {
            return known is null ? (userId, userId, []) : (userId, known.GroupId, HostUsers.Database.GroupsOf(known.Name));
        }

        return uint.TryParse(user.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint groupId)
            ? (userId, groupId, [])
            : throw new SandboxException($"--user {user}: expected a name, or UID[:GID]");
    }
}
