namespace Caisson.Hypervisors;

/// <summary>What a machine consists of on the host, while it is put together and after.</summary>
internal sealed class QemuMachineParts(VmFiles files)
{
    internal VmFiles Files => files;

    internal Func<bool> RanOutOfMemory { get; init; } = () => false;

    internal bool UsesVsock { get; set; }

    internal ProcessWatch? Qemu { get; set; }

    internal ProcessWatch? FileServer { get; set; }

    internal BoundedLog Console { get; private set; } = null!;    // by OpenLogs, first of all

    internal BoundedLog QemuLog { get; private set; } = null!;

    internal BoundedLog FileServerLog { get; private set; } = null!;

    internal void OpenLogs()
    {
        Console = BoundedLog.Open(files.Directory, VmFiles.ConsoleLog);
        QemuLog = BoundedLog.Open(files.Directory, VmFiles.QemuLog);
        FileServerLog = BoundedLog.Open(files.Directory, VmFiles.FileServerLog);
    }

    /// <summary>Kills both processes, and waits until they are gone.</summary>
    internal async Task KillAllAsync()
    {
        foreach (ProcessWatch? process in (ProcessWatch?[])[Qemu, FileServer])
        {
            if (process is not null)
            {
                process.Kill();
                await process.Ended.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Writes the logs out and closes everything; the processes live on.</summary>
    internal async Task LetGoAsync()
    {
        foreach (BoundedLog? log in (BoundedLog?[])[Console, QemuLog, FileServerLog])
        {
            if (log is not null)
            {
                await log.DisposeAsync().ConfigureAwait(false);
            }
        }

        Qemu?.Dispose();
        FileServer?.Dispose();
    }
}
