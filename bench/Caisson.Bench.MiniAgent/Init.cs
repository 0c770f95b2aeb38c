using System.Text;
using Caisson.Linux;

namespace Caisson.Bench.MiniAgent;

/// <summary>
/// The least that an agent can do. It has one container, a process that sleeps in namespaces of its own with a shared directory as its root.
/// For every line of its port it runs the container's /bin/true there, reads its output to the end, waits for it, and answers with
/// a line that holds the exit code. What Caisson's agent needs beyond this is the price of being one.
/// </summary>
internal static class Init
{
    private const string Modules = "/lib/modules/caisson";
    private const string Share = "/share";

    // QEMU's name for the directory (QemuCommandLine.ShareTag).
    private const string ShareTag = "kataShared";

    // The machine has one port, the first of its controller.
    private const string Port = "/dev/vport0p1";
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(1);

    private static readonly string[] s_environment = ["PATH=/bin"];

    internal static int Run()
    {
        LoadModules("core:");
        LoadModules("virtiofs:");
        MountCalls.Mount("dev", "/dev", "devtmpfs", MountFlags.None);
        FileCalls.MakeDirectory(Share, 0x1ed /* 0755 */);
        MountCalls.Mount(ShareTag, Share, "virtiofs", MountFlags.None);
        using PidFd self = PidFd.Open(Environment.ProcessId);
        using PidFd container = StartContainer();
        using FileFd port = OpenPort();
        byte[] buffer = new byte[256];
        while (true)
        {
            int count = port.Read(buffer);
            if (count == 0)
            {
                Thread.Sleep(s_retry);    // nobody is connected
            }
            else
            {
                int code = buffer.AsSpan(0, count).SequenceEqual("bare\n"u8) ? ExecuteBare(self) : Execute(container);
                port.WriteAll(Encoding.ASCII.GetBytes($"{code}\n"));
            }
        }
    }

    private static int Execute(PidFd container)
    {
        NamespaceCalls.Join(container, NamespaceKinds.Pid);    // of its children, once they are born
        PipePair output = PipePair.Create();
        PipePair error = PipePair.Create();
        using ClonedProcess child = new PreparedClone()
            .Setns(container, CloneFlags.NewNs | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewNet | CloneFlags.NewCgroup)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(error.Write, 2)
            .Execve("/bin/true", ["/bin/true"], s_environment)
            .Start();
        ReadToEnd(output);
        ReadToEnd(error);
        return child.PidFd.Wait().Code;
    }

    /// <summary>Without any of it: its own root, no namespaces, no pipes.</summary>
    private static int ExecuteBare(PidFd self)
    {
        NamespaceCalls.Join(self, NamespaceKinds.Pid);
        using ClonedProcess child = new PreparedClone().Execve("/bin/true", ["/bin/true"], s_environment).Start();
        return child.PidFd.Wait().Code;
    }

    private static void ReadToEnd(PipePair pipe)
    {
        Span<byte> buffer = stackalloc byte[256];
        pipe.Write.Dispose();
        while (pipe.Read.Read(buffer) > 0)
        {
            // Nobody wants it.
        }

        pipe.Read.Dispose();
    }

    private static PidFd StartContainer()
    {
        const CloneFlags Namespaces =
            CloneFlags.NewPid | CloneFlags.NewNs | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewNet | CloneFlags.NewCgroup;
        PipePair running = PipePair.Create();
        ClonedProcess container = ManagedClone.Run(new CloneRequest { Flags = Namespaces }, Sleep);
        ReadToEnd(running);    // closed by its execve
        return container.PidFd;
    }

    private static int Sleep()
    {
        FileCalls.ChangeDirectory(Share);
        MountCalls.Mount(".", "/", null, MountFlags.MS_MOVE);
        FileCalls.ChangeRoot(".");
        FileCalls.ChangeDirectory("/");
        using PreparedExec sleep = PreparedExec.OfPath("/bin/sleep", ["sleep", "100000"], s_environment);
        _ = sleep.Execute();
        return 1;
    }

    private static void LoadModules(string group)
    {
        foreach (string line in SmallFile.ReadText($"{Modules}/modules.order").Split('\n'))
        {
            if (line.StartsWith(group, StringComparison.Ordinal))
            {
                foreach (string module in line[group.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    using FileFd file = FileCalls.Open($"{Modules}/{module}", OpenFlags.O_RDONLY);
                    KernelModule.Load(file, module);
                }
            }
        }
    }

    // The driver learns of its port by a message from the host.
    private static FileFd OpenPort()
    {
        while (true)
        {
            if (FileCalls.TryOpen(Port, OpenFlags.O_RDWR, out FileFd port, out _))
            {
                return port;
            }

            Thread.Sleep(s_retry);
        }
    }
}
