using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>
/// Puts a mount over the initial ramdisk: pivot_root(2) refuses rootfs itself, which has no parent mount, and every container pivots.
/// The files stay where they are; a bind mount of "/" becomes "/".
/// </summary>
internal static class RootFileSystem
{
    // Any directory of the initrd will do: nothing is mounted there yet, and the bind mount leaves it again at once.
    private const string Stage = "/run";

    internal static void LeaveRamdisk()
    {
        MountCalls.Mount("/", Stage, null, MountFlags.MS_BIND);
        FileCalls.ChangeDirectory(Stage);
        MountCalls.Mount(".", "/", null, MountFlags.MS_MOVE);
        FileCalls.ChangeRoot(".");
        FileCalls.ChangeDirectory("/");
    }
}
