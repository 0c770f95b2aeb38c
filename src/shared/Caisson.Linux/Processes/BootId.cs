namespace Caisson.Linux;

/// <summary>The kernel's random identity of this boot: pids and start times of another boot mean nothing.</summary>
public static class BootId
{
    /// <summary>Reads it, a UUID in lower case.</summary>
    public static string Read() => SmallFile.ReadText("/proc/sys/kernel/random/boot_id").TrimEnd('\n');
}
