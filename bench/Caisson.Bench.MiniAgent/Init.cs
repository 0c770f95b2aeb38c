using System.Text;
using Caisson.Linux;

namespace Caisson.Bench.MiniAgent;

/// <summary>
/// The least that an agent can do. It has one container, a process that sleeps in namespaces of its own with a shared directory as its root.
/// For every line of its port it runs the container's /bin/true there, reads its output to the end, waits for it, and answers with
/// a line that holds the exit code. "exec" gives the process what an exec gives it, one system call each; "plain" leaves that out, and "bare"
/// the container too. "net" sets the machine's card up, "send" and "receive" move bytes over it. What Caisson's agent needs beyond this is the price of being one.
/// </summary>
internal static class Init
{
    private const string Modules = "/lib/modules/caisson";
    private const string Share = "/share";

    // QEMU's name for the directory (QemuCommandLine.ShareTag).
    private const string ShareTag = "kataShared";

    // The machine has one port, the first of its controller.
    private const string Port = "/dev/vport0p1";

    private const string CgroupTop = "/cgroup";
    private const string ContainersCgroup = CgroupTop + "/container";
    private const string Controllers = "+cpu +memory +pids";

    // What runc takes where the configuration names none.
    private const int Umask = 0x12 /* 0022 */;
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(1);

    // The container's process in the measured bundle, which has runc's default configuration.
    private static readonly string[] s_environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "HOME=/"];
    private static readonly CapabilitySet s_capabilities = CapabilitySet.Of(Capability.CAP_AUDIT_WRITE, Capability.CAP_KILL, Capability.CAP_NET_BIND_SERVICE);
    private static readonly CapabilitySet s_dropped = Capabilities.All.Except(s_capabilities);

    internal static int Run()
    {
        LoadModules("core:");
        LoadModules("virtiofs:");
        MountCalls.Mount("dev", "/dev", "devtmpfs", MountFlags.None);
        FileCalls.MakeDirectory(Share, 0x1ed /* 0755 */);
        MountCalls.Mount(ShareTag, Share, "virtiofs", MountFlags.None);
        using PidFd self = PidFd.Open(Environment.ProcessId);
        using DirectoryFd cgroup = MakeCgroup();
        using PidFd container = StartContainer(cgroup);
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
                int code = buffer[0] switch
                {
                    (byte)'e' => Execute(container, cgroup),
                    (byte)'p' => Execute(container, cgroup: null),
                    (byte)'n' => SetUpNetwork(),
                    (byte)'s' => Traffic.Run("send"),
                    (byte)'r' => Traffic.Run("receive"),
                    _ => ExecuteBare(self),
                };
                port.WriteAll(Encoding.ASCII.GetBytes($"{code}\n"));
            }
        }
    }

    /// <param name="container">Its process.</param>
    /// <param name="cgroup">Its cgroup; null leaves out everything but namespaces and streams.</param>
    private static int Execute(PidFd container, DirectoryFd? cgroup)
    {
        NamespaceCalls.Join(container, NamespaceKinds.Pid);    // of its children, once they are born
        PipePair output = PipePair.Create();
        PipePair error = PipePair.Create();
        PreparedClone clone = new PreparedClone()
            .Setns(container, CloneFlags.NewNs | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewNet | CloneFlags.NewCgroup)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(error.Write, 2);
        if (cgroup is not null)
        {
            Confine(clone);
        }

        using ClonedProcess child = clone.Execve("/bin/true", ["/bin/true"], s_environment).Start(cgroup: cgroup);
        ReadToEnd(output);
        ReadToEnd(error);
        return child.PidFd.Wait().Code;
    }

    // Root stays root, so that neither the user's change nor execve takes or gives capabilities in between.
    private static void Confine(PreparedClone clone) => clone
        .Chdir("/")
        .SetUser(0, 0)
        .Umask(Umask)
        .SetNoNewPrivileges()
        .DropBounding(s_dropped)
        .SetCapabilities(new CapabilitySets(s_capabilities, s_capabilities, s_capabilities, CapabilitySet.Empty, CapabilitySet.Empty))
        .ResetSignal(Signal.SIGPIPE)    // the one that .NET ignores
        .SetSignalMask(0);

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

    private static DirectoryFd MakeCgroup()
    {
        FileCalls.MakeDirectory(CgroupTop, 0x1ed /* 0755 */);
        MountCalls.Mount("cgroup2", CgroupTop, "cgroup2", MountFlags.None, "nsdelegate");
        using (FileFd control = FileCalls.Open(CgroupTop + "/cgroup.subtree_control", OpenFlags.O_WRONLY))
        {
            control.WriteAll(Encoding.ASCII.GetBytes(Controllers));
        }

        FileCalls.MakeDirectory(ContainersCgroup, 0x1ed);
        return DirectoryFd.Open(ContainersCgroup);
    }

    private static PidFd StartContainer(DirectoryFd cgroup)
    {
        const CloneFlags Namespaces = CloneFlags.NewPid | CloneFlags.NewNs | CloneFlags.NewIpc | CloneFlags.NewUts | CloneFlags.NewNet;
        PipePair running = PipePair.Create();
        ClonedProcess container = ManagedClone.Run(new CloneRequest { Flags = Namespaces, Cgroup = cgroup }, Sleep);
        ReadToEnd(running);    // closed by its execve
        return container.PidFd;
    }

    private static int Sleep()
    {
        NamespaceCalls.Unshare(NamespaceKinds.Cgroup);    // from inside the cgroup, which becomes its root
        FileCalls.ChangeDirectory(Share);
        MountCalls.Mount(".", "/", null, MountFlags.MS_MOVE);
        FileCalls.ChangeRoot(".");
        FileCalls.ChangeDirectory("/");
        using PreparedExec sleep = PreparedExec.OfPath("/bin/sleep", ["sleep", "100000"], s_environment);
        _ = sleep.Execute();
        return 1;
    }

    private static int SetUpNetwork()
    {
        LoadModules("net:");
        Traffic.SetUp();
        return 0;
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
