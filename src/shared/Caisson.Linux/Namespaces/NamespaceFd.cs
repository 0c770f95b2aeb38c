namespace Caisson.Linux;

/// <summary>A namespace as an object: it exists as long as the descriptor is open.</summary>
public sealed class NamespaceFd : FileDescriptor
{
    // NSIO is 0xb7 (include/uapi/linux/nsfs.h); _IO(NSIO, n).
    private const ulong NS_GET_USERNS = 0xb701;
    private const ulong NS_GET_NSTYPE = 0xb703;

    /// <summary>An empty owner.</summary>
    public NamespaceFd()
    {
    }

    /// <summary>Takes ownership of a received number.</summary>
    public static NamespaceFd FromNumber(int number)
    {
        var fd = new NamespaceFd();
        fd.Adopt(number);
        return fd;
    }

    /// <summary>Opens a namespace by a trusted path: /proc/PID/ns/net, /run/netns/NAME.</summary>
    public static NamespaceFd Open(string path) =>
        TryOpen(path, out NamespaceFd fd, out Errno why) ? fd : throw new SyscallException($"open({path})", why);

    /// <inheritdoc cref="Open"/>
    public static bool TryOpen(string path, out NamespaceFd fd, out Errno why)
    {
        fd = new NamespaceFd();
        return Descriptors.TryOpen(fd, null, path, OpenFlags.O_RDONLY, 0, out why);
    }

    /// <summary>A namespace of a process.</summary>
    public static NamespaceFd OfProcess(int pid, NamespaceKinds kind) => Open($"/proc/{pid}/ns/{kind.ProcName()}");

    /// <summary>A namespace of the calling thread.</summary>
    public static NamespaceFd OfThisThread(NamespaceKinds kind) => Open($"/proc/thread-self/ns/{kind.ProcName()}");

    /// <summary>The namespace's kind, as the kernel says (NS_GET_NSTYPE).</summary>
    /// <exception cref="SyscallException">ENOTTY: not a namespace.</exception>
    public NamespaceKinds Kind => (NamespaceKinds)(uint)Libc.Check(Libc.ioctl(this, NS_GET_NSTYPE, 0), "ioctl(NS_GET_NSTYPE)");

    /// <summary>The user namespace that owns this one.</summary>
    public NamespaceFd OwningUserNamespace()
    {
        var owner = new NamespaceFd();
        owner.Adopt(Libc.Check(Libc.ioctl(this, NS_GET_USERNS, 0), "ioctl(NS_GET_USERNS)"));
        return owner;
    }

    /// <summary>Moves the calling thread into this namespace.</summary>
    /// <param name="expected">The kernel refuses (EINVAL) where the namespace is of another kind; None takes any.</param>
    public void Join(NamespaceKinds expected = NamespaceKinds.None) => NamespaceCalls.Join(this, expected);
}
