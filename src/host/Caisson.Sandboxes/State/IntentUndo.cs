using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>Undoes what an abandoned journal lists, latest first; what is gone already is fine.</summary>
public static class IntentUndo
{
    /// <param name="journal">The journal of a command that died.</param>
    /// <param name="bootId">This boot: processes of another one are dead already.</param>
    /// <exception cref="SandboxException">Something could not be removed; the journal stays, so that the next command tries again.</exception>
    public static void Undo(JournalContents journal, string bootId)
    {
        ArgumentNullException.ThrowIfNull(journal);
        bool sameBoot = journal.BootId == bootId;

        // All processes before all else: they keep cgroups and mounts busy.
        for (int i = journal.Open.Count - 1; i >= 0 && sameBoot; i--)
        {
            Kill(journal.Open[i]);
        }

        for (int i = journal.Open.Count - 1; i >= 0; i--)
        {
            UndoOne(journal.Open[i]);
        }
    }

    private static void Kill(Intent intent)
    {
        if (intent.Kind == IntentKind.Process)
        {
            SandboxRemains.Kill(intent.ToProcess());
        }
        else if (intent.Kind == IntentKind.Sandbox)
        {
            SandboxRemains.End(intent.Key);
        }
    }

    private static void UndoOne(Intent intent)
    {
        switch (intent.Kind)
        {
            case IntentKind.Cgroup:
                RecordedCgroup.Remove(intent.Key);
                break;
            case IntentKind.Mount:
                MountCalls.TryUnmount(intent.Key, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _);
                break;
            case IntentKind.Directory:
                Remove(intent.Key, isDirectory: true);
                break;
            case IntentKind.File:
                Remove(intent.Key, isDirectory: false);
                break;
            case IntentKind.Sandbox:
                new SandboxDirectory(intent.Key).Leave(SandboxDirectory.Owner);
                break;
            case IntentKind.Member:
                SandboxDirectory.LeaveBy(intent.Key);
                break;
            case IntentKind.Unit:
                SystemdPlacement.Stop(intent.Key);
                break;
            default:
                break;
        }
    }

    // Never with what is in it: something foreign may be mounted there.
    private static void Remove(string path, bool isDirectory)
    {
        if (!FileCalls.TryRemove(path, isDirectory, out Errno why) && why is not (Errno.ENOENT or Errno.ENOTDIR))
        {
            throw new SandboxException($"cannot undo what a killed command left: remove {path}: {Failure.Words(why)}");
        }
    }
}
