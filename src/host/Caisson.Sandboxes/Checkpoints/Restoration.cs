using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Criu;

namespace Caisson.Sandboxes;

/// <summary>The making of a container from images, as one transaction: until it is committed, <see cref="Dispose"/> undoes everything.</summary>
internal sealed class Restoration : IDisposable
{
    private const string RootName = "criu-root";
    private const uint DirectoryMode = 0x1C0; // 0700

    private readonly CreateOrder _order;
    private readonly Journal _journal;
    private readonly CheckpointOrder _checkpoint;
    private readonly List<FileDescriptor> _inherited = [];
    private readonly string _root;
    private SystemdPlacement? _systemd;
    private Cgroup? _cgroup;
    private bool _rootMade;
    private bool _committed;

    internal Restoration(CreateOrder order, Journal journal, CheckpointOrder checkpoint)
    {
        _order = order;
        _journal = journal;
        _checkpoint = checkpoint;
        _root = Path.Combine(order.RecordDirectory, RootName);
    }

    /// <summary>Writes the state that hooks read.</summary>
    internal required Func<ContainerStatus, int, byte[]> State { get; init; }

    /// <summary>The restored container's init, a child of ours.</summary>
    internal PidFd Init { get; private set; } = null!;

    internal ContainerRecord Run(ForegroundSession? session)
    {
        string criu = CriuProcess.Find(_checkpoint.Criu);
        using OpenDirectories directories = OpenDirectories.Open(_checkpoint, makeImages: false);
        using UnixSocket? console = Consoles.Connect(_order.ConsoleSocket);
        MountRoot();
        Request request = CriuRequests.Restore(_checkpoint, _order.Spec, _order.Bundle, _root, directories, _inherited);
        using CriuProcess process = CriuProcess.Start(criu, _inherited);
        int pid = 0;
        try
        {
            Place(process.Process.Pid, request);
            Reply answer = NamespacesBackend.Ask(process, request, (step, descriptor) =>
            {
                pid = step.HasPid ? step.Pid : pid;
                Follow(step, descriptor, console, session);
            });
            if (!answer.Success || answer.Restore is null)
            {
                throw CriuCheck.Explain(criu, "restore", answer.CrErrno, Path.Combine(_checkpoint.WorkPath ?? _checkpoint.ImagePath, CriuRequests.RestoreLog));
            }

            pid = answer.Restore.Pid;
        }
        catch
        {
            process.Kill();
            throw;
        }

        UnmountRoot();
        return Commit(pid);
    }

    public void Dispose()
    {
        UnmountRoot();
        _inherited.ForEach(static descriptor => descriptor.Dispose());
        if (!_committed)
        {
            if (_cgroup is { } cgroup)
            {
                cgroup.KillAll(Signal.SIGKILL);
                cgroup.Remove();
            }

            _systemd?.Undo();
        }

        _systemd?.Dispose();
        Init?.Dispose();
    }

    private void Follow(Notification step, FileFd? descriptor, UnixSocket? console, ForegroundSession? session)
    {
        using FileFd? received = descriptor;
        switch (step.Script)
        {
            case "setup-namespaces" when _order.Spec.Hooks is { } hooks:
                byte[] state = State(ContainerStatus.Creating, step.Pid);
                HookRunner.Run("prestart", hooks.Prestart, state);
                HookRunner.Run("createRuntime", hooks.CreateRuntime, state);
                break;
            case "orphan-pts-master" when received is not null && console is not null:
                console.SendMessage("/dev/ptmx"u8, received);
                break;
            case "orphan-pts-master" when received is not null && session is not null:
                session.Attach(PtyMaster.FromNumber(received.Release()));
                break;
            default:
                break;
        }
    }

    // CRIU wants a mount point of its own for the root, and it must not pass anything on to the host.
    private void MountRoot()
    {
        string rootfs = Path.GetFullPath(_order.Spec.Root?.Path ?? "rootfs", _order.Bundle);
        _journal.Intend(new Intent(IntentKind.Directory, _root));
        FileCalls.MakeDirectory(_root, DirectoryMode);
        _rootMade = true;
        _journal.Intend(new Intent(IntentKind.Mount, _root));
        MountCalls.Mount(rootfs, _root, null, MountFlags.MS_BIND | MountFlags.MS_REC);
        MountCalls.SetPropagation(_root, MountPropagation.Private, recursive: true);
        MakeMountPoints();
    }

    // They are there unless the root file system is a fresh one.
    private void MakeMountPoints()
    {
        using DirectoryFd root = DirectoryFd.Open(_root);
        foreach (OciMount mount in _order.Spec.Mounts)
        {
            if (Rooted.Exists(root, mount.Destination) || IsBelowTmpfs(mount.Destination))
            {
                continue;
            }

            bool file = (mount.Type == "bind" || mount.Options.Contains("bind") || mount.Options.Contains("rbind"))
                && FileCalls.TryStat(Path.GetFullPath(mount.Source ?? "", _order.Bundle), out FileStatus source, out _) && source.Type != FileType.Directory;
            (file ? Rooted.MakeFile(root, mount.Destination, 0x1ED) : Rooted.MakeDirectories(root, mount.Destination, 0x1ED /* 0755 */)).Dispose();
        }
    }

    // CRIU restores the content of those.
    private bool IsBelowTmpfs(string destination)
    {
        foreach (OciMount mount in _order.Spec.Mounts)
        {
            if (mount.Type == "tmpfs" && destination.StartsWith(mount.Destination.TrimEnd('/') + "/", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private void UnmountRoot()
    {
        if (_rootMade)
        {
            _rootMade = false;
            MountCalls.TryUnmount(_root, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _);
            FileCalls.TryRemove(_root, isDirectory: true, out _);
            _journal.Done(new Intent(IntentKind.Mount, _root));
            _journal.Done(new Intent(IntentKind.Directory, _root));
        }
    }

    // CRIU begins in the container's cgroup, and what it restores with it.
    private void Place(int criu, Request request)
    {
        _systemd = SystemdPlacement.Choose(_order);
        string path = _systemd?.Path ?? CgroupNaming.PathFor(_order.Id, _order.Spec.Linux?.CgroupsPath);
        CgroupLayout layout = CgroupLayout.Discover();
        var cgroup = Cgroup.Open(layout, path);
        if (_systemd is null && cgroup.Exists && cgroup.Pids().Count > 0)
        {
            throw new SandboxException($"restore: the cgroup {path} is there already, and has processes");
        }

        _journal.Intend(new Intent(IntentKind.Cgroup, RecordedCgroup.KeyOf(cgroup)));
        LinuxResources? resources = _order.Spec.Linux?.Resources;
        if (_systemd is not null)
        {
            _journal.Intend(new Intent(IntentKind.Unit, _systemd.Unit));
            _systemd.Start(criu, resources, layout.Mode == Linux.CgroupMode.Unified);
        }

        _cgroup = cgroup;
        Cgroup.Create(layout, path);
        cgroup.Apply(CgroupConversion.ForCreate(resources));
        cgroup.Join(criu);
        CriuRequests.PlaceCgroupMounts(request.Opts, _order.Spec, layout, path);
        request.Opts.CgRoot.Add(new CgroupRoot { Path = path });
    }

    private ContainerRecord Commit(int pid)
    {
        var identity = ProcessIdentity.Read(pid);
        _journal.Intend(Intent.Process(identity));
        if (!PidFd.TryOpen(pid, out PidFd? init, out Errno why))
        {
            throw new SandboxException($"restore: the restored process {pid}: {Failure.Words(why)}");
        }

        Init = init;
        var record = new ContainerRecord
        {
            Id = _order.Id,
            Isolation = Isolation.Namespaces,
            Status = ContainerStatus.Running,
            BootId = _order.BootId,
            Init = identity,
            Bundle = _order.Bundle,
            Rootfs = Path.GetFullPath(_order.Spec.Root?.Path ?? "rootfs", _order.Bundle),
            Created = DateTime.UtcNow,
            OciVersion = _order.Spec.OciVersion ?? "",
            OwnerUserId = UserIds.EffectiveUser,
            Cgroup = RecordedCgroup.KeyOf(_cgroup!),
            SystemdUnit = _systemd?.Unit,
            Annotations = _order.Spec.Annotations,
        };
        _order.Commit(record);
        _committed = true;
        return record;
    }
}
