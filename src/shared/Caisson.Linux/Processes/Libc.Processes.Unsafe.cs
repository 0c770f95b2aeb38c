using System.Runtime.InteropServices;

namespace Caisson.Linux;

internal static unsafe partial class Libc
{
    // System call numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) for calls that glibc has no wrapper for,
    // and for those that a prepared clone interprets.
    internal const int SYS_rt_sigaction = 13;
    internal const int SYS_rt_sigprocmask = 14;
    internal const int SYS_ioctl = 16;
    internal const int SYS_dup2 = 33;
    internal const int SYS_execve = 59;
    internal const int SYS_fcntl = 72;
    internal const int SYS_chdir = 80;
    internal const int SYS_fchdir = 81;
    internal const int SYS_umask = 95;
    internal const int SYS_setpgid = 109;
    internal const int SYS_setsid = 112;
    internal const int SYS_setgroups = 116;
    internal const int SYS_setresuid = 117;
    internal const int SYS_setresgid = 119;
    internal const int SYS_capset = 126;
    internal const int SYS_prctl = 157;
    internal const int SYS_setpriority = 141;
    internal const int SYS_unshare = 272;
    internal const int SYS_openat = 257;
    internal const int SYS_exit_group = 231;
    internal const int AT_FDCWD = -100;
    internal const int SYS_prlimit64 = 302;
    internal const int SYS_setns = 308;
    internal const int SYS_execveat = 322;
    internal const int SYS_pidfd_send_signal = 424;
    internal const int SYS_open_tree = 428;
    internal const int SYS_pidfd_open = 434;
    internal const int SYS_clone3 = 435;
    internal const int SYS_close_range = 436;
    internal const int SYS_pidfd_getfd = 438;
    internal const int SYS_mount_setattr = 442;

    internal const int SIG_BLOCK = 0;
    internal const int SIG_SETMASK = 2;
    internal const int SIGCHLD = 17;
    internal const int SIGKILL = 9;

    internal const int P_PID = 1;
    internal const int P_PIDFD = 3;
    internal const int WNOHANG = 1;
    internal const int WEXITED = 4;
    internal const int WNOWAIT = 0x01000000;

    // Needed for children whose exit signal is not SIGCHLD, as those cloned with CLONE_PARENT and signal 0.
    internal const int WALL = 0x40000000;

    internal const int PR_GET_TID_ADDRESS = 40;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const int KernelSignalSetBytes = 8;

    /// <summary>struct clone_args of linux/sched.h, its second version with the cgroup (88 bytes).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CloneArgs
    {
        internal ulong Flags;
        internal ulong PidFd;
        internal ulong ChildTid;
        internal ulong ParentTid;
        internal ulong ExitSignal;
        internal ulong Stack;
        internal ulong StackSize;
        internal ulong Tls;
        internal ulong SetTid;
        internal ulong SetTidSize;
        internal ulong Cgroup;
    }

    /// <summary>siginfo_t as waitid(2) fills it: 128 bytes, of which the first 28 matter.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct ChildInfo
    {
        internal int Signal;
        internal int Error;
        internal int Code;
        internal int Padding;
        internal int Pid;
        internal uint Uid;
        internal int Status;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

    // No transition: the child must come back in the mode it left in, and must not wait for a collector that it does not have.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [SuppressGCTransition]
    internal static partial long syscall_here(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

    [LibraryImport("libc", EntryPoint = "_exit")]
    internal static partial void exit_now(int status);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitid(int kind, uint id, ChildInfo* info, int options);
}
