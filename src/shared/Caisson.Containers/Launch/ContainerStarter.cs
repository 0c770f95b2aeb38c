using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>The <c>start</c> of a container that waits on its fifo.</summary>
public static class ContainerStarter
{
    /// <summary>
    /// Opens the fifo, which releases init, waits until the workload has been executed, and removes the fifo.
    /// </summary>
    /// <param name="execFifo">The path given as <see cref="ContainerRequest.ExecFifo"/>.</param>
    /// <param name="initPid">Init's pidfd: a container that has died is told from one that is slow.</param>
    /// <exception cref="ContainerException">The container is not waiting, has died, or its executable cannot be executed.</exception>
    public static void Start(string execFifo, PidFd initPid) => ExecFifo.Release(execFifo, initPid);
}
