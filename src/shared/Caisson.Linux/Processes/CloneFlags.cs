namespace Caisson.Linux;

/// <summary>Flags of clone3(2), unshare(2) and setns(2), with the kernel's names and values (linux/sched.h).</summary>
[Flags]
public enum CloneFlags : ulong
{
    /// <summary>An ordinary child that shares nothing.</summary>
    None = 0,

    /// <summary>A new time namespace; only for unshare(2), setns(2) and clone3(2).</summary>
    NewTime = 0x80,

    /// <summary>Share the memory with the parent.</summary>
    Vm = 0x100,

    /// <summary>Share current directory, root and umask.</summary>
    Fs = 0x200,

    /// <summary>Share the table of descriptors.</summary>
    Files = 0x400,

    /// <summary>Return a pidfd of the child.</summary>
    PidFd = 0x1000,

    /// <summary>The parent waits until the child has executed a program or ended.</summary>
    Vfork = 0x4000,

    /// <summary>The child's parent is the caller's parent.</summary>
    Parent = 0x8000,

    /// <summary>A new mount namespace.</summary>
    NewNs = 0x20000,

    /// <summary>The kernel clears and wakes the child's tid address when it ends.</summary>
    ChildClearTid = 0x200000,

    /// <summary>The kernel writes the child's tid into the child's memory.</summary>
    ChildSetTid = 0x1000000,

    /// <summary>A new cgroup namespace.</summary>
    NewCgroup = 0x2000000,

    /// <summary>A new UTS namespace.</summary>
    NewUts = 0x4000000,

    /// <summary>A new IPC namespace.</summary>
    NewIpc = 0x8000000,

    /// <summary>A new user namespace.</summary>
    NewUser = 0x10000000,

    /// <summary>A new pid namespace.</summary>
    NewPid = 0x20000000,

    /// <summary>A new network namespace.</summary>
    NewNet = 0x40000000,

    /// <summary>Signals with a handler get their default action in the child; ignored ones stay ignored.</summary>
    ClearSigHand = 0x1_0000_0000,

    /// <summary>The child starts in the cgroup (v2) whose directory is given.</summary>
    IntoCgroup = 0x2_0000_0000,
}
