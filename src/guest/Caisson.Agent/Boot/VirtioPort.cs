using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Finds a port of virtio-serial by the name that the host gave it.</summary>
internal static class VirtioPort
{
    private const string Ports = "/sys/class/virtio-ports";

    // The driver learns of its ports, and then of their names, by messages from the host; slow only when the host is.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <param name="name">The port's name.</param>
    /// <param name="events">Opened before the driver was loaded, so that no port is missed.</param>
    internal static FileFd Open(string name, UeventListener events)
    {
        long start = Stopwatch.GetTimestamp();
        FileFd? port;
        while ((port = TryOpen(name)) is null)
        {
            TimeSpan left = s_patience - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                throw new IOException($"no virtio-serial port is named {name}: the machine was started without it");
            }

            // The kernel tells of a port when it appears, and again when it has its name.
            Poller.Wait(events.Descriptor, PollEvents.In, left);
            while (events.TryTake(out _))
            {
                // Whatever happened, the ports are looked through again.
            }
        }

        return port;
    }

    private static FileFd? TryOpen(string name)
    {
        if (!Directory.Exists(Ports))
        {
            return null;
        }

        foreach (string directory in Directory.GetFileSystemEntries(Ports))
        {
            if (SmallFile.TryReadText($"{directory}/name", out string found, out _) && found.AsSpan().TrimEnd('\n').SequenceEqual(name)
                && FileCalls.TryOpen($"/dev/{Path.GetFileName(directory)}", OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, out FileFd port, out _))
            {
                return port;
            }
        }

        return null;
    }
}
