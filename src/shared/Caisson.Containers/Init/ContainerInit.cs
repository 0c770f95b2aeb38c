
namespace Caisson.Containers;

/// <summary>
/// The one routine that makes a process the init of a container. It runs in a process with a single thread, in the new namespaces,
/// from the first step to the execve(2) of the workload.
/// </summary>
public static class ContainerInit
{
    /// <summary>
    /// The hidden verb: reads the request that <see cref="ContainerLauncher"/> or <see cref="ContainerExec"/> left in an inherited
    /// descriptor, or waits for such requests as an <see cref="InitTemplate"/>'s process. The caller's process must not have used a Task, the thread pool, a timer, Console or Process.
    /// </summary>
    /// <param name="arguments">What follows the verb.</param>
    /// <returns>The exit code.</returns>
    public static int RunFromVerb(IReadOnlyList<string> arguments) => VerbRequest.Run(arguments);

    internal static int Run(InitRequest request) => InitFailure.Guard(request.Channel, () => new InitSequence(request).Run());
}
