using System.Globalization;
using Caisson.Linux;

namespace Caisson;

/// <summary>What the host's kernel offers, found out by trying where trying leaves nothing behind.</summary>
internal static class KernelChecks
{
    private static readonly string[] s_namespaces = ["mnt", "pid", "net", "ipc", "uts", "cgroup"];

    internal static IEnumerable<CheckItem> All()
    {
        yield return Root();
        yield return Kernel();
        yield return Namespaces();
        yield return UserNamespaces();
        yield return Cgroups();
        yield return Overlay();
        yield return Seccomp();
        yield return Pidfd();
        yield return Openat2();
        yield return MountInterface();
    }

    private static CheckItem Root() => CheckItem.Need(
        UserIds.EffectiveUser == 0,
        "root",
        CheckScope.Vm,
        $"user id {UserIds.EffectiveUser}",
        "run as root: machines need it; in namespaces an ordinary user's containers need a user namespace (`caisson spec --rootless`) and have no limits");

    private static CheckItem Kernel()
    {
        string release = ReadLine("/proc/sys/kernel/osrelease");
        string[] parts = release.Split('.', '-');
        // 5.12 has mount_setattr, the newest call that nothing else can stand in for.
        bool recent = parts.Length >= 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int minor)
            && (major > 5 || (major == 5 && minor >= 12));
        return CheckItem.Need(recent, "kernel", CheckScope.Both, release, "boot Linux 5.12 or newer");
    }

    private static CheckItem Namespaces()
    {
        string missing = "";
        foreach (string name in s_namespaces)
        {
            if (!FileCalls.TryStat($"/proc/self/ns/{name}", out _, out _))
            {
                missing += " " + name;
            }
        }

        return CheckItem.Need(
            missing.Length == 0, "namespaces", CheckScope.Both, missing.Length == 0 ? string.Join(' ', s_namespaces) : "missing:" + missing, "boot a kernel built with them");
    }

    private static CheckItem UserNamespaces()
    {
        bool there = FileCalls.TryStat("/proc/self/ns/user", out _, out _);
        string most = ReadLine("/proc/sys/user/max_user_namespaces");
        return CheckItem.Wish(
            there && most != "0",
            "user namespaces",
            CheckScope.Namespaces,
            there ? $"at most {most}" : "not in this kernel",
            "sysctl user.max_user_namespaces=15000 (`do` and configurations with linux.uidMappings need them)");
    }

    private static CheckItem Cgroups()
    {
        try
        {
            CgroupLayout layout = CgroupLayout.Discover();
            var controllers = new List<string>();
            foreach (CgroupHierarchy hierarchy in layout.Hierarchies)
            {
                controllers.AddRange(hierarchy.Controllers);
            }

            string found = $"{Describe(layout.Mode)}: {string.Join(' ', controllers)}";
            bool enough = layout.Mode == CgroupMode.Unified || (controllers.Contains("memory") && controllers.Contains("pids") && controllers.Contains("devices"));
            return CheckItem.Wish(enough, "cgroups", CheckScope.Both, found, "limits need the memory, pids and devices controllers: mount cgroup2 at /sys/fs/cgroup");
        }
        catch (IOException cause)
        {
            return new CheckItem("cgroups", CheckLevel.Missing, CheckScope.Both, cause.Message, "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
        }
    }

    private static string Describe(CgroupMode mode) => mode switch
    {
        CgroupMode.Unified => "v2",
        CgroupMode.Hybrid => "v1 and v2",
        _ => "v1",
    };

    private static CheckItem Overlay() => CheckItem.Wish(
        ReadText("/proc/filesystems").Contains("\toverlay\n", StringComparison.Ordinal) || Directory.Exists("/sys/module/overlay"),
        "overlay",
        CheckScope.Namespaces,
        "the overlay file system",
        "modprobe overlay (`do` needs it unless --ro)");

    private static CheckItem Seccomp()
    {
        string actions = ReadLine("/proc/sys/kernel/seccomp/actions_avail");
        return CheckItem.Need(
            actions.Contains("errno", StringComparison.Ordinal), "seccomp", CheckScope.Both, actions.Length == 0 ? "not in this kernel" : actions, "boot a kernel with CONFIG_SECCOMP_FILTER");
    }

    private static CheckItem Pidfd()
    {
        bool there = PidFd.TryOpen(Environment.ProcessId, out PidFd? self, out Errno why);
        self?.Dispose();
        return CheckItem.Need(there, "pidfd", CheckScope.Both, there ? "pidfd_open works" : $"pidfd_open: {why.Name()}", "boot Linux 5.12 or newer");
    }

    private static CheckItem Openat2()
    {
        using DirectoryFd root = DirectoryFd.Open("/");
        bool there = Rooted.TryOpenPath(root, "/", out PathFd found, out Errno why);
        found.Dispose();
        return CheckItem.Need(there, "openat2", CheckScope.Both, there ? "paths can be kept inside a root" : $"openat2: {why.Name()}", "boot Linux 5.12 or newer");
    }

    private static CheckItem MountInterface()
    {
        try
        {
            using MountFd clone = MountCalls.OpenTree("/proc", OpenTreeFlags.OPEN_TREE_CLONE);
            return CheckItem.Good("mounts", CheckScope.Both, "open_tree works");
        }
        catch (SyscallException cause)
        {
            return new CheckItem(
                "mounts", CheckLevel.Missing, CheckScope.Vm, cause.Message, "run as root with CAP_SYS_ADMIN, on Linux 5.12 or newer");
        }
    }

    private static string ReadText(string path) => SmallFile.TryReadText(path, out string text, out _) ? text : "";

    private static string ReadLine(string path) => ReadText(path).Trim();
}
