using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Runs the hooks of one kind, one after the other, each with the container's state on its standard input.</summary>
public static class HookRunner
{
    /// <summary>Runs all; the first that fails ends it.</summary>
    /// <param name="kind">The name in the configuration, such as <c>createRuntime</c>, for messages.</param>
    /// <param name="hooks">What to run, in the namespaces of the caller.</param>
    /// <param name="state">The state as JSON.</param>
    /// <exception cref="ContainerException">A hook could not be run, failed, or ran out of time; with the tail of what it printed.</exception>
    public static void Run(string kind, SpecList<OciHook> hooks, ReadOnlySpan<byte> state)
    {
        for (int index = 0; index < hooks.Count; index++)
        {
            RunOne(kind, index, hooks[index], state);
        }
    }

    /// <summary>Runs all, whatever fails: for <c>poststop</c>, and <c>poststart</c> where the specification wants a warning only.</summary>
    /// <param name="kind">The name in the configuration.</param>
    /// <param name="hooks">What to run.</param>
    /// <param name="state">The state as JSON.</param>
    /// <param name="onWarning">Told of each failure.</param>
    public static void RunAll(string kind, SpecList<OciHook> hooks, ReadOnlySpan<byte> state, Action<string> onWarning)
    {
        ArgumentNullException.ThrowIfNull(onWarning);
        for (int index = 0; index < hooks.Count; index++)
        {
            try
            {
                RunOne(kind, index, hooks[index], state);
            }
            catch (ContainerException failure)
            {
                onWarning(failure.Message);
            }
        }
    }

    private static void RunOne(string kind, int index, OciHook hook, ReadOnlySpan<byte> state)
    {
        string name = $"error running {kind} hook #{index} {hook.Path}: error running hook";
        try
        {
            using var process = HookProcess.Start(hook);
            TimeSpan timeout = hook.Timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan;
            if (!process.TryFinish(state, timeout, out ExitStatus status))
            {
                throw new ContainerException($"{name}: hook ran past specified timeout of {hook.Timeout}s{process.Printed}", Errno.ETIMEDOUT);
            }

            if (status.Code != 0)
            {
                throw new ContainerException($"{name}: {Describe(status)}{process.Printed}");
            }
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because(name, cause);
        }
    }

    private static string Describe(ExitStatus status) =>
        status.WasKilled ? $"signal: {((Signal)status.Signal).Description()}" : $"exit status {status.ExitCode}";
}
