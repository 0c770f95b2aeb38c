
namespace Caisson.Containers;

/// <summary>A further process in a running container.</summary>
public static class ContainerExec
{
    /// <summary>Starts it; returns once the executable has been executed.</summary>
    /// <param name="request">What to run, and where.</param>
    /// <exception cref="ContainerException">With runc's words: <c>exec: "foo": executable file not found in $PATH</c>.</exception>
    public static ContainerProcess Start(ExecRequest request) => ExecLaunch.Start(request);
}
