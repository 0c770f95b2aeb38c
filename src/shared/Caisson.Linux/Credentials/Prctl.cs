using System.Text;

namespace Caisson.Linux;

/// <summary>The securebits of capabilities(7).</summary>
[Flags]
public enum SecureBits : uint
{
    /// <summary>Uid 0 gives no capabilities at execve.</summary>
    NoRoot = 1,

    /// <summary><see cref="NoRoot"/> cannot be changed.</summary>
    NoRootLocked = 2,

    /// <summary>Changing uids changes no capabilities.</summary>
    NoSetuidFixup = 4,

    /// <summary><see cref="NoSetuidFixup"/> cannot be changed.</summary>
    NoSetuidFixupLocked = 8,

    /// <summary>Leaving uid 0 keeps the permitted set, until execve.</summary>
    KeepCapabilities = 16,

    /// <summary><see cref="KeepCapabilities"/> cannot be changed.</summary>
    KeepCapabilitiesLocked = 32,

    /// <summary>Ambient capabilities cannot be raised.</summary>
    NoAmbientRaise = 64,

    /// <summary><see cref="NoAmbientRaise"/> cannot be changed.</summary>
    NoAmbientRaiseLocked = 128,
}

/// <summary>prctl(2): attributes of the calling thread or process (include/uapi/linux/prctl.h).</summary>
public static class Prctl
{
    private const int PR_SET_PDEATHSIG = 1;
    private const int PR_GET_DUMPABLE = 3;
    private const int PR_SET_DUMPABLE = 4;
    private const int PR_SET_KEEPCAPS = 8;
    private const int PR_SET_NAME = 15;
    private const int PR_CAPBSET_READ = 23;
    private const int PR_CAPBSET_DROP = 24;
    private const int PR_GET_SECUREBITS = 27;
    private const int PR_SET_SECUREBITS = 28;
    private const int PR_SET_CHILD_SUBREAPER = 36;
    private const int PR_SET_NO_NEW_PRIVS = 38;
    private const int PR_GET_NO_NEW_PRIVS = 39;
    private const int PR_CAP_AMBIENT = 47;

    private const nuint PR_CAP_AMBIENT_IS_SET = 1;
    private const nuint PR_CAP_AMBIENT_RAISE = 2;
    private const nuint PR_CAP_AMBIENT_CLEAR_ALL = 4;

    /// <summary>Whether execve can never again give privileges to this thread.</summary>
    public static bool NoNewPrivileges => Libc.Check(Libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), "prctl(PR_GET_NO_NEW_PRIVS)") == 1;

    /// <summary>Whether this process may be traced and its /proc files belong to its user.</summary>
    public static bool IsDumpable => Libc.Check(Libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), "prctl(PR_GET_DUMPABLE)") == 1;

    /// <summary>The calling thread's securebits.</summary>
    public static SecureBits SecureBits => (SecureBits)Libc.Check(Libc.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), "prctl(PR_GET_SECUREBITS)");

    /// <summary>Forbids gaining privileges by execve, for ever.</summary>
    public static void SetNoNewPrivileges() => Set(PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS");

    /// <summary>
    /// The signal this process gets when the <em>thread</em> that made it ends; 0 clears. Check the parent afterwards: it may have ended before.
    /// execve of a set-user-id file and changes of credentials clear it.
    /// </summary>
    public static void SetParentDeathSignal(Signal signal) => Set(PR_SET_PDEATHSIG, (nuint)signal, "PR_SET_PDEATHSIG");

    /// <summary>Not dumpable: /proc/PID belongs to root, and nobody without CAP_SYS_PTRACE can open its executable or descriptors.</summary>
    public static void SetDumpable(bool dumpable) => Set(PR_SET_DUMPABLE, dumpable ? 1u : 0u, "PR_SET_DUMPABLE");

    /// <summary>Orphans below this process become its children.</summary>
    public static void SetChildSubreaper(bool on) => Set(PR_SET_CHILD_SUBREAPER, on ? 1u : 0u, "PR_SET_CHILD_SUBREAPER");

    /// <summary>Keeps the permitted set over the next change of uid from 0.</summary>
    public static void SetKeepCapabilities(bool keep) => Set(PR_SET_KEEPCAPS, keep ? 1u : 0u, "PR_SET_KEEPCAPS");

    /// <summary>Sets the securebits; needs CAP_SETPCAP.</summary>
    public static void SetSecureBits(SecureBits bits) => Set(PR_SET_SECUREBITS, (nuint)(uint)bits, "PR_SET_SECUREBITS");

    /// <summary>Names the calling thread; on the first thread that is the process's name in ps. 15 bytes are kept.</summary>
    public static void SetName(string name)
    {
        byte[] bytes = new byte[16];    // TASK_COMM_LEN
        byte[] text = Encoding.UTF8.GetBytes(name);
        text.AsSpan(0, Math.Min(text.Length, 15)).CopyTo(bytes);
        Libc.Check(Libc.prctl_bytes(PR_SET_NAME, bytes, 0, 0, 0), "prctl(PR_SET_NAME)");
    }

    // EINVAL: the kernel has no such capability.
    internal static bool TryReadBounding(Capability capability, out bool bounded)
    {
        int result = Libc.prctl(PR_CAPBSET_READ, (nuint)capability, 0, 0, 0);
        bounded = result == 1;
        return result >= 0;
    }

    internal static void DropBounding(Capability capability) =>
        Libc.Check(Libc.prctl(PR_CAPBSET_DROP, (nuint)capability, 0, 0, 0), $"prctl(PR_CAPBSET_DROP, {capability.Name()})");

    internal static bool IsAmbient(Capability capability) =>
        Libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, (nuint)capability, 0, 0) == 1;

    internal static void RaiseAmbient(Capability capability) =>
        Libc.Check(
            Libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (nuint)capability, 0, 0),
            $"prctl(PR_CAP_AMBIENT_RAISE, {capability.Name()})");

    internal static void ClearAmbient() =>
        Libc.Check(Libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl(PR_CAP_AMBIENT_CLEAR_ALL)");

    private static void Set(int option, nuint value, string name) =>
        Libc.Check(Libc.prctl(option, value, 0, 0, 0), $"prctl({name})");
}
