using Caisson.Linux;

namespace Caisson;

/// <summary>The host's users by /etc/passwd and /etc/group: a static executable has no name service.</summary>
internal static class HostUsers
{
    private static UserDatabase? s_database;

    /// <summary>Read at the first question, and once.</summary>
    internal static UserDatabase Database => s_database ??= Load();

    private static UserDatabase Load()
    {
        using DirectoryFd root = DirectoryFd.Open("/");
        return UserDatabase.Read(root);
    }
}
