using System.Runtime.ExceptionServices;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>A directory of its own, removed at the end.</summary>
public sealed class Scratch : IDisposable
{
    public Scratch()
    {
        Path = Directory.CreateTempSubdirectory("caisson-linux-").FullName;
        Root = DirectoryFd.Open(Path);
    }

    public string Path { get; }

    public DirectoryFd Root { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Runs on a thread of its own, which takes namespaces, masks, ids and filters away with it when it ends.</summary>
    public static void OnThread(Action act)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                act();
            }
            catch (Exception cause)
            {
                failure = ExceptionDispatchInfo.Capture(cause);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>Runs on a thread in a private mount namespace, where nothing propagates to the host.</summary>
    public static void InPrivateMounts(Action act) => OnThread(() =>
    {
        NamespaceCalls.Unshare(NamespaceKinds.FileSystemState | NamespaceKinds.Mount);
        MountCalls.SetPropagation("/", MountPropagation.Private, recursive: true);
        act();
    });

    public void Dispose()
    {
        Root.Dispose();
        Directory.Delete(Path, recursive: true);
    }
}
