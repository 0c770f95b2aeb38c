using System.Text;
using Caisson.Linux;

namespace Caisson.Bench.MiniAgent;

/// <summary>
/// The least that an agent can do: it loads the modules of the port, and for every line it reads there it runs /bin/true, waits for
/// it, and answers with a line that holds the exit code. What Caisson's agent needs beyond this is the price of being one.
/// </summary>
internal static class Init
{
    private const string Modules = "/lib/modules/caisson";
    private const string ModuleGroup = "core:";

    // The machine has one port, the first of its controller.
    private const string Port = "/dev/vport0p1";
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(1);

    internal static int Run()
    {
        LoadModules();
        MountCalls.Mount("dev", "/dev", "devtmpfs", MountFlags.None);
        using FileFd port = OpenPort();
        byte[] buffer = new byte[256];
        while (true)
        {
            int count = port.Read(buffer);
            if (count == 0)
            {
                Thread.Sleep(s_retry);    // nobody is connected
            }
            else if (buffer.AsSpan(0, count).Contains((byte)'\n'))
            {
                port.WriteAll(Encoding.ASCII.GetBytes($"{Execute()}\n"));
            }
        }
    }

    private static int Execute()
    {
        using ClonedProcess child = new PreparedClone().Execve("/bin/true", ["/bin/true"], ["PATH=/bin"]).Start();
        return child.PidFd.Wait().Code;
    }

    private static void LoadModules()
    {
        foreach (string line in SmallFile.ReadText($"{Modules}/modules.order").Split('\n'))
        {
            if (line.StartsWith(ModuleGroup, StringComparison.Ordinal))
            {
                foreach (string module in line[ModuleGroup.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
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
