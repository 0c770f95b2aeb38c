using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Writes the id maps of a new user namespace, from outside.</summary>
internal static class UserMaps
{
    internal static void Write(int pid, OciLinux linux)
    {
        IdMap[] users = Ranges(linux.UidMappings);
        IdMap[] groups = Ranges(linux.GidMappings);
        if (UserIds.EffectiveUser == 0)
        {
            WriteDirectly(pid, users, groups, denySetGroups: false);
            return;
        }

        // One id, our own, may be mapped without help; everything else is what newuidmap(1) checks against /etc/subuid.
        if (IsOnlyOwn(users, UserIds.EffectiveUser) && IsOnlyOwn(groups, UserIds.EffectiveGroup))
        {
            WriteDirectly(pid, users, groups, denySetGroups: true);
            return;
        }

        MapHelper.Run("newuidmap", pid, users);
        MapHelper.Run("newgidmap", pid, groups);
    }

    /// <summary>The creator writes it: to a process in another user namespace its own file is not writable.</summary>
    internal static void SetOomScore(int pid, int badness)
    {
        try
        {
            Scheduling.SetOomScoreAdjustment(pid, badness);
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EACCES && UserIds.EffectiveUser != 0)
        {
            // Rootless: lowering is not ours to do, and runc goes on as well.
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"write /proc/{pid}/oom_score_adj {badness}", cause.Errno);
        }
    }

    /// <summary>As <see cref="SetOomScore"/>, for the calling process, whose number a clone of it does not know.</summary>
    internal static void SetOwnOomScore(int badness)
    {
        if (!SmallFile.TryWrite("/proc/self/oom_score_adj", badness.ToString(), out Errno why))
        {
            throw ContainerException.Because($"write /proc/self/oom_score_adj {badness}", why);
        }
    }

    /// <summary>A user namespace that exists for its maps alone.</summary>
    internal static NamespaceFd OpenNamespace(SpecList<LinuxIdMapping> users, SpecList<LinuxIdMapping> groups)
    {
        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair();
        using (ours)
        using (theirs)
        {
            // It waits until we hang up: the namespace lives on in our descriptor.
            using ClonedProcess holder = ManagedClone.Run(new CloneRequest { Flags = CloneFlags.NewUser }, () =>
            {
                ours.Dispose();
                return theirs.Read(new byte[1]);
            });
            try
            {
                WriteDirectly(holder.Pid, Ranges(users), Ranges(groups), denySetGroups: false);
                return NamespaceFd.OfProcess(holder.Pid, NamespaceKinds.User);
            }
            finally
            {
                ours.Dispose();
                theirs.Dispose();
                _ = holder.PidFd.Wait();
            }
        }
    }

    private static void WriteDirectly(int pid, IdMap[] users, IdMap[] groups, bool denySetGroups)
    {
        try
        {
            if (denySetGroups)
            {
                IdMap.DenySetGroups(pid);
            }

            IdMap.WriteUserMap(pid, users);
            IdMap.WriteGroupMap(pid, groups);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because("user namespace: write id maps", cause);
        }
    }

    private static bool IsOnlyOwn(IdMap[] ranges, uint own) => ranges is [{ Count: 1 } only] && only.OutsideId == own;

    private static IdMap[] Ranges(SpecList<LinuxIdMapping> mappings)
    {
        var ranges = new IdMap[mappings.Count];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = new IdMap(mappings[i].ContainerId, mappings[i].HostId, mappings[i].Size);
        }

        return ranges;
    }
}
