namespace Caisson.Linux;

/// <summary>A mount as an object: from open_tree(2) or fsmount(2). A detached one is unmounted when its last descriptor closes.</summary>
public sealed class MountFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public MountFd()
    {
    }

    /// <summary>Takes ownership of a received number.</summary>
    public static MountFd FromNumber(int number)
    {
        var fd = new MountFd();
        fd.Adopt(number);
        return fd;
    }
}
