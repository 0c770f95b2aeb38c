using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// What a workload's process is given before it runs, for init and for exec alike. The order is the point: privileges go last to what needs them.
/// </summary>
internal sealed class ProcessSetup
{
    private readonly OciProcess _process;
    private readonly PathFd _root;
    private readonly Action<string> _warn;

    /// <param name="process">The process.</param>
    /// <param name="root">The container's root, entered.</param>
    /// <param name="warn">Takes what the user should know and the workload can live without.</param>
    internal ProcessSetup(OciProcess process, PathFd root, Action<string> warn)
    {
        _process = process;
        _root = root;
        _warn = warn;
    }

    /// <summary>Limits and scheduling, which may need privileges.</summary>
    internal void Limit()
    {
        ProcessLimits.Apply(_process);
        if (_process.NoNewPrivileges)
        {
            Prctl.SetNoNewPrivileges();
        }
    }

    /// <summary>
    /// Becomes the container's user with his capabilities. The working directory is tried before, because the creator may reach what the
    /// user cannot, and after, because it may be the other way round (FUSE, NFS with root squashed).
    /// </summary>
    internal void BecomeUser()
    {
        bool arrived = TryChangeDirectory(out Errno why);
        if (!arrived && why is not (Errno.EACCES or Errno.EPERM))
        {
            throw DirectoryRefused(why);
        }

        CapabilitySets own = Capabilities.GetAllButAmbient();
        CapabilitySets sets = CapabilityPlan.Of(_process.Capabilities, own, _warn);
        StandardIo.ReopenNull();
        StandardIo.GiveTo(_process.User);
        Capabilities.DropBounding(sets.Bounding, own.Bounding);
        Prctl.SetKeepCapabilities(true);
        ChangeUser();
        if (!arrived && !TryChangeDirectory(out why))
        {
            throw DirectoryRefused(why);
        }

        Prctl.SetKeepCapabilities(false);
        Capabilities.ApplyAfterUser(sets);
        _ = UserIds.SetUmask(_process.User.Umask ?? 0x12 /* 0022, as runc */);
    }

    /// <summary>The environment, with HOME from the container's user database where the configuration has none, as runc gives it.</summary>
    internal IReadOnlyList<string> Environment()
    {
        const string Home = "HOME=";
        foreach (string variable in _process.Env)
        {
            if (variable.StartsWith(Home, StringComparison.Ordinal) && variable.Length > Home.Length)
            {
                return _process.Env;
            }
        }

        string home = UserDatabase.Read(_root).FindUser(_process.User.Uid)?.Home ?? "/";
        var environment = new List<string>(_process.Env.Count + 1);
        foreach (string variable in _process.Env)
        {
            if (!variable.StartsWith(Home, StringComparison.Ordinal))
            {
                environment.Add(variable);
            }
        }

        environment.Add(Home + home);
        return environment;
    }

    private void ChangeUser()
    {
        OciUser user = _process.User;
        try
        {
            UserIds.SetSupplementaryGroups(user.AdditionalGids.AsSpan());
        }
        catch (SyscallException denied) when (denied.Errno == Errno.EPERM && user.AdditionalGids.Count == 0)
        {
            // A user namespace that denies setgroups: there is nothing to set.
        }
        catch (SyscallException denied) when (denied.Errno == Errno.EPERM)
        {
            throw new ContainerException("cannot set any additional groups in a rootless container", Errno.EPERM, denied);
        }

        UserIds.SetGroup(user.Gid);
        UserIds.SetUser(user.Uid);
    }

    // Resolved inside the root and never through a magic link: a cwd of /proc/self/fd/N would lead out by a descriptor that is still
    // open here (CVE-2024-21626).
    private bool TryChangeDirectory(out Errno why)
    {
        string path = string.IsNullOrEmpty(_process.Cwd) ? "/" : _process.Cwd;
        if (!Rooted.TryOpenPath(_root, path, out PathFd directory, out why, OpenFlags.O_DIRECTORY))
        {
            return false;
        }

        using (directory)
        {
            try
            {
                FileCalls.ChangeDirectory(directory);
                return true;
            }
            catch (SyscallException refused)
            {
                why = refused.Errno;
                return false;
            }
        }
    }

    private ContainerException DirectoryRefused(Errno why) => why == Errno.ELOOP
        ? new ContainerException(
            $"chdir to cwd (\"{_process.Cwd}\") set in config.json failed: current working directory is outside of container mount namespace root -- possible container breakout detected",
            why)
        : ContainerException.Because($"chdir to cwd (\"{_process.Cwd}\") set in config.json failed", why);
}
