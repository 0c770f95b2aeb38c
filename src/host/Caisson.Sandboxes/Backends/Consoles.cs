using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>The console socket of an engine.</summary>
internal static class Consoles
{
    /// <summary>Connects to where the terminal's master is sent; null where there is none.</summary>
    internal static UnixSocket? Connect(string? path)
    {
        if (path is null)
        {
            return null;
        }

        return UnixSocket.TryConnect(path, out UnixSocket? socket, out Errno why)
            ? socket
            : throw new SandboxException($"--console-socket: dial unix {path}: connect: {Failure.Words(why)}");
    }
}
