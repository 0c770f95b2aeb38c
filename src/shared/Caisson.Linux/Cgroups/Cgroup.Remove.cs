namespace Caisson.Linux;

public sealed partial class Cgroup
{
    private const int FirstPauseMicroseconds = 50;

    /// <summary>Removes the cgroup and those below it. Tasks that were killed a moment ago are waited for; what is gone already is fine.</summary>
    /// <exception cref="CgroupException">EBUSY: tasks are still in it.</exception>
    public void Remove()
    {
        foreach (string directory in _directories)
        {
            RemoveDirectory(directory);
        }
    }

    /// <summary>Removes what of it is empty; what is in use, or holds other cgroups, stays.</summary>
    public void RemoveWhereEmpty()
    {
        foreach (string directory in _directories)
        {
            _ = TryRemove(directory, out _);
        }
    }

    private static void RemoveDirectory(string directory)
    {
        if (TryRemove(directory, out Errno why))
        {
            return;
        }

        if (why != Errno.EBUSY)
        {
            throw new CgroupException($"rmdir {directory}", why);
        }

        foreach (string child in Children(directory))
        {
            RemoveDirectory(child);
        }

        // A killed task leaves its cgroup only when it is reaped or autoreaped, and the kernel tells nobody in v1: so it is asked again, with growing pauses.
        Wait(FirstPauseMicroseconds, $"the tasks of {directory} to end", () =>
        {
            if (TryRemove(directory, out Errno still))
            {
                return true;
            }

            return still == Errno.EBUSY ? false : throw new CgroupException($"rmdir {directory}", still);
        });
    }

    private static bool TryRemove(string directory, out Errno why)
    {
        why = Libc.rmdir_path(directory) == 0 ? Errno.None : Libc.LastError;
        why = why is Errno.ENOENT or Errno.ENODEV ? Errno.None : why;
        return why == Errno.None;
    }
}
