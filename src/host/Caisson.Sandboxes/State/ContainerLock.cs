using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The right to change one container: a lock on its directory, which the kernel gives up when its holder dies.
/// Commands that only read (state, list) and kill, which must work whatever else hangs, take none.
/// </summary>
public sealed class ContainerLock : IDisposable
{
    /// <summary>How long a command waits for another one on the same container; none but a hanging hook holds the lock longer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // flock(2) has no time limit, so it is tried again; the first tries come quickly, as most commands need a few milliseconds.
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(20);

    private readonly DirectoryLock _held;

    private ContainerLock(DirectoryLock held) => _held = held;

    /// <summary>Takes the lock of an existing directory.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="id">The container's id, for messages.</param>
    /// <param name="patience">How long to wait for another holder.</param>
    /// <returns>The lock, or null when there is no such directory (any more).</returns>
    /// <exception cref="SandboxException">Somebody else held it all the time.</exception>
    public static ContainerLock? Take(string directory, string id, TimeSpan patience)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan pause = s_firstPause;
        while (true)
        {
            if (DirectoryLock.TryTake(directory, out DirectoryLock? taken, out Errno why))
            {
                // The holder we waited for may have been a delete; then the path names nothing, or a new container.
                if (taken.IsStillAt(directory))
                {
                    return new ContainerLock(taken);
                }

                taken.Unlock();
                continue;
            }

            if (why is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                return null;
            }

            if (why != Errno.EAGAIN)
            {
                throw new SandboxException($"container {id}: lock {directory}: {why.Describe()}");
            }

            if (Stopwatch.GetElapsedTime(began) > patience)
            {
                throw new SandboxException(
                    $"container {id} is busy: another command has held its lock for {patience.TotalSeconds:0} s; wait for it to end, or kill it, and try again (`fuser {directory}` names it)");
            }

            Thread.Sleep(pause);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }

    /// <summary>Gives the lock up, also where a container's init still has a copy of the descriptor.</summary>
    public void Dispose()
    {
        if (!_held.IsClosed)
        {
            _held.Unlock();
        }
    }
}
