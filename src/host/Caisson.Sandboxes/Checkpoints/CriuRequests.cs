using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Criu;

namespace Caisson.Sandboxes;

/// <summary>What CRIU is told about a container. Keys are chosen as runc chooses them, so that images of one serve the other.</summary>
internal static class CriuRequests
{
    internal const string DumpLog = "dump.log";
    internal const string RestoreLog = "restore.log";

    // criu/include/log.h: everything up to debugging, as runc asks: the log is all there is when something fails.
    private const int LogLevel = 4;

    private const string NullDevice = "/dev/null";

    internal static Request Dump(CheckpointOrder order, ContainerRecord record, OciSpec spec, OpenDirectories directories)
    {
        Options options = Common(order, directories, DumpLog);
        options.Pid = record.Init.Pid;
        options.Root = record.Rootfs;
        options.LeaveRunning = order.LeaveRunning;
        if (order.ParentPath is not null)
        {
            options.ParentImg = order.ParentPath;
            options.TrackMem = true;
        }

        if (order.PreDump)
        {
            options.TrackMem = true;
        }

        if (order.PageServer is { } server)
        {
            options.Ps = new PageServer { Address = server.Address, Port = server.Port };
        }

        foreach (LinuxNamespace joined in Joined(spec, "network", "pid"))
        {
            // CRIU names an outer namespace by its inode.
            options.External.Add($"{KernelName(joined.Type)}[{FileCalls.Stat(joined.Path!).Inode}]:{ExternalKey(joined.Type)}");
        }

        if (!order.PreDump)
        {
            AddBindMounts(options, spec, static mount => Clean(mount.Destination));
            AddMaskedFiles(options, spec, record.Init.Pid);
            AddCgroupMounts(options, record.Init.Pid);
        }

        return new Request { Type = order.PreDump ? Kind.PreDump : Kind.Dump, Opts = options };
    }

    /// <param name="order">The images, and how they are to be taken.</param>
    /// <param name="spec">The configuration.</param>
    /// <param name="bundle">Where relative sources begin.</param>
    /// <param name="root">A mount of the root file system, which CRIU wants.</param>
    /// <param name="directories">The images and the working directory.</param>
    /// <param name="inherited">Filled with descriptors that CRIU inherits, in order.</param>
    internal static Request Restore(CheckpointOrder order, OciSpec spec, string bundle, string root, OpenDirectories directories, List<FileDescriptor> inherited)
    {
        Options options = Common(order, directories, RestoreLog);
        options.Root = root;
        options.RstSibling = true;
        if (order.LsmProfile is not null)
        {
            options.LsmProfile = order.LsmProfile;
        }

        AddBindMounts(options, spec, mount => Path.GetFullPath(mount.Source ?? "", bundle));
        options.ExtMnt.Add(new ExternalMount { Key = NullDevice, Val = NullDevice });
        string[] streams = SavedStreams.Read(order.ImagePath);
        for (int number = 0; number < streams.Length; number++)
        {
            if (streams[number].StartsWith("pipe:", StringComparison.Ordinal))
            {
                options.InheritFd.Add(new InheritedDescriptor { Key = streams[number], Fd = number });
            }
        }

        foreach (LinuxNamespace joined in Joined(spec, "network", "pid", "mount", "ipc", "uts", "user"))
        {
            if (joined.Type is "network" or "pid")
            {
                options.InheritFd.Add(new InheritedDescriptor { Key = ExternalKey(joined.Type), Fd = CriuProcess.FirstInherited + inherited.Count });
                inherited.Add(FileCalls.Open(joined.Path!, OpenFlags.O_RDONLY));
            }
            else
            {
                options.JoinNs.Add(new JoinedNamespace { Ns = KernelName(joined.Type), NsFile = joined.Path });
            }
        }

        return new Request { Type = Kind.Restore, Opts = options };
    }

    private static Options Common(CheckpointOrder order, OpenDirectories directories, string log)
    {
        var options = new Options
        {
            ImagesDirFd = directories.Images.Number,
            LogLevel = LogLevel,
            LogFile = log,
            NotifyScripts = true,
            ManageCgroups = true,
            ManageCgroupsMode = order.CgroupMode,
            ShellJob = order.ShellJob,
            TcpEstablished = order.TcpEstablished,
            ExtUnixSk = order.ExternalUnixSockets,
            FileLocks = order.FileLocks,
            EmptyNs = order.EmptyNamespaces,
            OrphanPtsMaster = true,
            AutoDedup = order.AutoDedup,
            LazyPages = order.LazyPages,
        };
        if (directories.Work is { } work)
        {
            options.WorkDirFd = work.Number;
        }

        return options;
    }

    // What comes from outside of the container's own mounts: on checkpoint CRIU is told by which name to note the mount on a path, and on
    // restore what that name means.
    private static void AddBindMounts(Options options, OciSpec spec, Func<OciMount, string> value)
    {
        foreach (OciMount mount in spec.Mounts)
        {
            if (mount.Type == "bind" || mount.Options.Any(static option => option is "bind" or "rbind"))
            {
                options.ExtMnt.Add(new ExternalMount { Key = Clean(mount.Destination), Val = value(mount) });
            }
        }
    }

    // A directory is masked by a tmpfs of the container's own, a file by its /dev/null.
    private static void AddMaskedFiles(Options options, OciSpec spec, int pid)
    {
        foreach (string masked in spec.Linux?.MaskedPaths ?? [])
        {
            if (FileCalls.TryStat($"/proc/{pid}/root{masked}", out FileStatus status, out _) && status.Type != FileType.Directory)
            {
                options.ExtMnt.Add(new ExternalMount { Key = Clean(masked), Val = NullDevice });
            }
        }
    }

    // Each shows the container's own cgroup, which is a part of the host's hierarchy.
    private static void AddCgroupMounts(Options options, int pid)
    {
        foreach (MountInfo mount in MountInfo.Read(pid))
        {
            if (mount.Type is "cgroup" or "cgroup2" && mount.Root != "/")
            {
                options.ExtMnt.Add(new ExternalMount { Key = mount.MountPoint, Val = mount.MountPoint });
            }
        }
    }

    /// <summary>Names the restored container's own cgroup for them.</summary>
    internal static void PlaceCgroupMounts(Options options, OciSpec spec, CgroupLayout layout, string path)
    {
        foreach (OciMount mount in spec.Mounts)
        {
            foreach (CgroupHierarchy hierarchy in mount.Type is "cgroup" or "cgroup2" ? layout.Hierarchies : [])
            {
                // In v1 one below the other, as the host has them; in v2 the one.
                string below = layout.Mode == Linux.CgroupMode.Unified ? "" : "/" + Path.GetFileName(hierarchy.MountPoint);
                options.ExtMnt.Add(new ExternalMount { Key = Clean(mount.Destination) + below, Val = hierarchy.Resolve(path) });
            }
        }
    }

    private static IEnumerable<LinuxNamespace> Joined(OciSpec spec, params string[] kinds)
    {
        foreach (LinuxNamespace wanted in spec.Linux?.Namespaces ?? [])
        {
            if (!string.IsNullOrEmpty(wanted.Path) && Array.IndexOf(kinds, wanted.Type) >= 0)
            {
                yield return wanted;
            }
        }
    }

    private static string Clean(string destination) => "/" + destination.Trim('/');

    private static string KernelName(string type) => type switch
    {
        "network" => "net",
        "mount" => "mnt",
        _ => type,
    };

    private static string ExternalKey(string type) => type == "network" ? "extRootNetNS" : "extRootPidNS";
}

/// <summary>The directories of a checkpoint, open: CRIU reaches them by our descriptors.</summary>
internal sealed class OpenDirectories : IDisposable
{
    private const uint DirectoryMode = 0x1C0; // 0700: they hold the memory of a container

    private OpenDirectories(DirectoryFd images, DirectoryFd? work)
    {
        Images = images;
        Work = work;
    }

    internal DirectoryFd Images { get; }

    internal DirectoryFd? Work { get; }

    /// <param name="order">The paths.</param>
    /// <param name="makeImages">Whether the directory of the images may be made.</param>
    internal static OpenDirectories Open(CheckpointOrder order, bool makeImages)
    {
        DirectoryFd images = OpenOne("--image-path", order.ImagePath, makeImages);
        try
        {
            return new OpenDirectories(images, order.WorkPath is { } work ? OpenOne("--work-path", work, make: true) : null);
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Images.Dispose();
        Work?.Dispose();
    }

    private static DirectoryFd OpenOne(string flag, string path, bool make)
    {
        try
        {
            if (make && !FileCalls.TryStat(path, out _, out _))
            {
                FileCalls.MakeDirectory(path, DirectoryMode);
            }

            return DirectoryFd.Open(path);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"{flag} {path}: {Failure.Words(cause.Errno)}", cause);
        }
    }
}
