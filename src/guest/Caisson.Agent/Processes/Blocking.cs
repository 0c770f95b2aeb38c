using Caisson.Containers;
using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>Work that waits in system calls, on a thread that nobody else needs meanwhile: the pool's few threads carry everybody's continuations.</summary>
internal static class Blocking
{
    internal static Task<T> Run<T>(Func<T> work)
    {
        var result = new Task<T>(() => Told(work), TaskCreationOptions.DenyChildAttach);
        BlockingThread.Run(() => result.RunSynchronously(TaskScheduler.Default));
        return result;
    }

    internal static Task Run(Action work) => Run<object?>(() =>
    {
        work();
        return null;
    });

    // The text reaches the user as it is: engines and scripts look for runc's words in it.
    private static T Told<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ContainerException cause)
        {
            throw new TtrpcException(TtrpcCode.Unknown, cause.Message, cause);
        }
    }
}
