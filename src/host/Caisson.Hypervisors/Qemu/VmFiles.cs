using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>The names in a machine's directory.</summary>
internal sealed class VmFiles(string directory)
{
    internal const string ConsoleLog = "console";
    internal const string QemuLog = "qemu";
    internal const string FileServerLog = "virtiofsd";

    internal string Directory => directory;

    internal string Qmp => Path.Combine(directory, "qmp.sock");

    internal string Agent => Path.Combine(directory, "agent.sock");

    internal string FileSharing => Path.Combine(directory, "fs.sock");

    /// <summary>Takes away what leads nowhere once the machine is gone. The logs stay.</summary>
    internal void RemoveEndpoints()
    {
        foreach (string path in (string[])
            [Qmp, Agent, FileSharing, BoundedLog.PipePath(directory, ConsoleLog), BoundedLog.PipePath(directory, QemuLog), BoundedLog.PipePath(directory, FileServerLog)])
        {
            _ = FileCalls.TryRemove(path, isDirectory: false, out _);
        }
    }
}
