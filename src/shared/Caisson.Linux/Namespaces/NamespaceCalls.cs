namespace Caisson.Linux;

/// <summary>unshare(2) and setns(2). Both change the calling thread only, save where the kernel wants a single-threaded process (user namespaces).</summary>
public static class NamespaceCalls
{
    /// <summary>Moves the calling thread into new namespaces. A new pid namespace holds its next children.</summary>
    public static void Unshare(NamespaceKinds kinds) => Libc.Check(Libc.unshare((int)(uint)kinds), $"unshare({kinds})");

    /// <summary>
    /// Moves the calling thread into namespaces: one for a namespace's descriptor; for a pidfd, at once, all of the process's that
    /// <paramref name="kinds"/> names (Linux 5.8).
    /// </summary>
    public static void Join(FileDescriptor namespaceOrPidFd, NamespaceKinds kinds)
    {
        if (!TryJoin(namespaceOrPidFd, kinds, out Errno why))
        {
            throw new SyscallException($"setns({kinds})", why);
        }
    }

    /// <inheritdoc cref="Join"/>
    public static bool TryJoin(FileDescriptor namespaceOrPidFd, NamespaceKinds kinds, out Errno why)
    {
        int result = Libc.setns(namespaceOrPidFd, (int)(uint)kinds);
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }

    /// <summary>Does something in a network namespace, on the calling thread, which is back in its own afterwards.</summary>
    /// <param name="network">The namespace.</param>
    /// <param name="work">What to do; it must not await.</param>
    public static T InNetwork<T>(NamespaceFd network, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        Join(network, NamespaceKinds.Network);
        try
        {
            return work();
        }
        finally
        {
            if (!TryJoin(own, NamespaceKinds.Network, out Errno why))
            {
                // The thread would go on in a stranger's namespace.
                Environment.FailFast($"setns(own network namespace): {why}");
            }
        }
    }

    /// <summary>Shifts a clock of the time namespace that a process's children will be in; before the first of them (time_namespaces(7)).</summary>
    /// <param name="pid">The process, which has unshared <see cref="NamespaceKinds.Time"/>.</param>
    /// <param name="clock"><c>monotonic</c> or <c>boottime</c>.</param>
    /// <param name="seconds">May be negative.</param>
    /// <param name="nanoseconds">Less than a second.</param>
    public static void SetTimeOffset(int pid, string clock, long seconds, uint nanoseconds) =>
        SmallFile.Write($"/proc/{pid}/timens_offsets", $"{clock} {seconds} {nanoseconds}\n");

    /// <summary>Whether two descriptors are of the same namespace.</summary>
    public static bool AreSame(FileDescriptor left, FileDescriptor right) => FileCalls.Stat(left).IsSameFile(FileCalls.Stat(right));

    /// <summary>Whether the running kernel has a kind.</summary>
    public static bool IsSupported(NamespaceKinds kind) => FileCalls.TryStat($"/proc/self/ns/{kind.ProcName()}", out _, out _, follow: false);
}
