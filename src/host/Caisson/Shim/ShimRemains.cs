using System.Globalization;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What killed shims leave in their directory: sockets at which nobody listens, and files of commands that were under way.</summary>
internal static class ShimRemains
{
    internal static IReadOnlyList<Leftover> Find()
    {
        var found = new List<Leftover>();
        foreach (string path in Directory.Exists(ShimPlace.Sockets) ? Directory.GetFiles(ShimPlace.Sockets) : [])
        {
            string name = Path.GetFileName(path);
            if (OwnerOf(name) is { } owner)
            {
                if (!owner.IsAlive)
                {
                    found.Add(new Leftover($"file {path}", $"process {owner.Pid}, whose it was, is gone", () => FileCalls.TryRemove(path, isDirectory: false, out _)));
                }
            }
            else if (IsDead(path))
            {
                found.Add(new Leftover($"socket {path}", "its shim is gone", () => RemoveIfDead(path)));
            }
        }

        return found;
    }

    /// <summary>Removes what commands of killed shims were about to use, such as a socket that awaits a terminal.</summary>
    internal static void RemoveOfTheDead()
    {
        foreach (string path in Directory.Exists(ShimPlace.Sockets) ? Directory.GetFiles(ShimPlace.Sockets) : [])
        {
            if (OwnerOf(Path.GetFileName(path)) is { IsAlive: false })
            {
                FileCalls.TryRemove(path, isDirectory: false, out _);
            }
        }
    }

    /// <summary>Removes a shim's socket unless somebody listens: a pod's shim may serve other containers still.</summary>
    internal static bool RemoveIfDead(string socket) => IsDead(socket) && FileCalls.TryRemove(socket, isDirectory: false, out _);

    private static bool IsDead(string socket)
    {
        if (UnixSocket.TryConnect(socket, out UnixSocket? alive, out Errno why))
        {
            alive.Dispose();
            return false;
        }

        return why == Errno.ECONNREFUSED && FileCalls.TryStat(socket, out FileStatus status, out _) && status.Type == FileType.Socket;
    }

    // As ShimPlace.ChooseFile names them.
    private static ProcessIdentity? OwnerOf(string name)
    {
        string[] parts = name.Split('-');
        return parts.Length == 3
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong started)
            ? new ProcessIdentity(pid, started)
            : null;
    }
}
