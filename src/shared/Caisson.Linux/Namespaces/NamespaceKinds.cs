namespace Caisson.Linux;

/// <summary>Kinds of namespaces, with the values of CLONE_NEW* (include/uapi/linux/sched.h). CLONE_FS and CLONE_FILES stand beside them for unshare(2).</summary>
[Flags]
public enum NamespaceKinds : uint
{
    /// <summary>None; for setns: any kind.</summary>
    None = 0,

    /// <summary>CLONE_NEWTIME.</summary>
    Time = 0x80,

    /// <summary>CLONE_FS: root, working directory and umask. Not a namespace.</summary>
    FileSystemState = 0x200,

    /// <summary>CLONE_FILES: the table of descriptors. Not a namespace.</summary>
    DescriptorTable = 0x400,

    /// <summary>CLONE_NEWNS.</summary>
    Mount = 0x20000,

    /// <summary>CLONE_NEWCGROUP.</summary>
    Cgroup = 0x2000000,

    /// <summary>CLONE_NEWUTS.</summary>
    Uts = 0x4000000,

    /// <summary>CLONE_NEWIPC.</summary>
    Ipc = 0x8000000,

    /// <summary>CLONE_NEWUSER.</summary>
    User = 0x10000000,

    /// <summary>CLONE_NEWPID.</summary>
    Pid = 0x20000000,

    /// <summary>CLONE_NEWNET.</summary>
    Network = 0x40000000,
}

/// <summary>Names of kinds in /proc.</summary>
public static class NamespaceNames
{
    /// <summary>The file of one kind below /proc/PID/ns, such as <c>net</c>.</summary>
    public static string ProcName(this NamespaceKinds kind) => kind switch
    {
        NamespaceKinds.Time => "time",
        NamespaceKinds.Mount => "mnt",
        NamespaceKinds.Cgroup => "cgroup",
        NamespaceKinds.Uts => "uts",
        NamespaceKinds.Ipc => "ipc",
        NamespaceKinds.User => "user",
        NamespaceKinds.Pid => "pid",
        NamespaceKinds.Network => "net",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not one kind of namespace"),
    };
}
