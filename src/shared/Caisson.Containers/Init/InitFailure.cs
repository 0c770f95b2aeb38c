using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Turns whatever ends init early into a message to its creator.</summary>
internal static class InitFailure
{
    // What a container's init exits with when it never became the workload.
    private const int FailedExitCode = 1;

    internal static int Guard(InitChannel channel, Func<int> steps)
    {
        try
        {
            return steps();
        }
        catch (ContainerException failure)
        {
            channel.SendFailure(failure.Errno, failure.Message);
        }
        catch (SyscallException failure)
        {
            channel.SendFailure(failure.Errno, $"error during container init: {failure.Message}");
        }
        catch (CgroupException failure)
        {
            channel.SendFailure(failure.Errno, $"unable to apply cgroup configuration: {failure.Message}");
        }
#pragma warning disable CA1031 // The last frame of this process: whatever it is, the creator must hear of it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            channel.SendFailure(Errno.None, $"error during container init: {failure}");
        }

        return FailedExitCode;
    }
}
