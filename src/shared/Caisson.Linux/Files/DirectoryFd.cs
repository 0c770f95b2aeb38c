namespace Caisson.Linux;

/// <summary>An open directory: the start of a path walk, or something to list and fsync.</summary>
public sealed class DirectoryFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public DirectoryFd()
    {
    }

    /// <summary>Opens a directory by a path of our own (trusted) side.</summary>
    /// <exception cref="SyscallException">The path is missing, or is no directory.</exception>
    public static DirectoryFd Open(string path)
    {
        var fd = new DirectoryFd();
        Descriptors.Open(fd, null, path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0);
        return fd;
    }

    /// <summary>Takes ownership of an inherited or received number.</summary>
    public static DirectoryFd FromNumber(int number)
    {
        var fd = new DirectoryFd();
        fd.Adopt(number);
        return fd;
    }
}

/// <summary>An O_PATH descriptor: it names an object without opening it, so it can be a mount target, a parent, or be stat'ed.</summary>
public sealed class PathFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public PathFd()
    {
    }

    /// <summary>Names an object by a path of our own (trusted) side.</summary>
    /// <param name="path">The path.</param>
    /// <param name="flags">O_NOFOLLOW and O_DIRECTORY matter here.</param>
    public static PathFd Open(string path, OpenFlags flags = 0)
    {
        var fd = new PathFd();
        Descriptors.Open(fd, null, path, OpenFlags.O_PATH | flags, 0);
        return fd;
    }

    /// <summary>Takes ownership of an inherited or received number.</summary>
    public static PathFd FromNumber(int number)
    {
        var fd = new PathFd();
        fd.Adopt(number);
        return fd;
    }
}
