using System.Globalization;
using System.Text;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>The executable under the name of a shim: what containerd starts once for a pod, and once more to clean up after one.</summary>
internal static class ShimEntry
{
    private const string Self = "/proc/self/exe";
    private const int KilledExitCode = 137;
    private const int MaxOptionsBytes = 64 * 1024;

    internal static int Run(string programName, string[] words)
    {
        try
        {
            ShimCommandLine line = ShimCommandLine.Parse(programName, words);
            switch (line.Action)
            {
                case ShimCommandLine.Start:
                    Start(line);
                    return 0;
                case ShimCommandLine.Delete:
                    Delete(line);
                    return 0;
                case ShimCommandLine.Serve:
                    return ShimProgram.Run(line);
                case "v":
                    StandardStream.Output.Write(VersionText.ForEngines());
                    return 0;
                default:
                    throw new UsageException($"{line.Name} is started by containerd, with the action start or delete; got \"{line.Action}\"");
            }
        }
        catch (Exception cause) when (cause is UsageException or SandboxException or SpecException or SyscallException or IOException or UnauthorizedAccessException)
        {
            // containerd shows what a shim writes to its standard streams as the reason of the failure.
            StandardStream.Error.WriteLine($"{Path.GetFileName(programName)}: {Failure.Describe(cause)}");
            return 1;
        }
    }

    // Prints where the pod's shim listens, and starts it if this is the pod's first container.
    private static void Start(ShimCommandLine line)
    {
        string bundle = Bundle(line);
        string socket = ShimPlace.SocketFor(line, bundle);
        ShimPlace.MakeSocketDirectory();
        if (UnixSocket.TryConnect(socket, out UnixSocket? running, out _))
        {
            running.Dispose();
        }
        else
        {
            byte[] options = ReadOptions();
            Cgroup? cgroup = ShimCgroup(options);
            ShimOptions.Save(bundle, options);
            // Over that of a shim that was killed. Under its name a socket always listens, so one that refuses is known to be dead.
            string beside = ShimPlace.ChooseFile("sock");
            using UnixSocket listener = UnixSocket.Listen(beside);
            FileCalls.Rename(beside, socket);
            StartDaemon(line, bundle, listener, cgroup);
        }

        string address = ShimPlace.AddressOf(socket);
        WriteAddress(bundle, address);
        StandardStream.Output.Write(address);
    }

    private static byte[] ReadOptions()
    {
        FileFd input = FileFd.FromNumber(0);
        return Terminal.IsTerminal(input) ? [] : input.ReadToEnd(MaxOptionsBytes);
    }

    // As runc's shim: the cgroup is the administrator's, and must be there.
    private static Cgroup? ShimCgroup(byte[] options)
    {
        string path = ShimOptions.Runc(ShimOptions.Parse(options))?.ShimCgroup ?? "";
        if (path.Length == 0)
        {
            return null;
        }

        var cgroup = Cgroup.Open(CgroupLayout.Discover(), path);
        return cgroup.Exists ? cgroup : throw new SandboxException($"runtime options: ShimCgroup: {path}: there is no such cgroup");
    }

    // The kernel is to choose a shim before it chooses containerd, whose score this process has inherited.
    private static void RaiseOomScore(int pid)
    {
        const int Highest = 1000;
        string own = SmallFile.ReadText("/proc/self/oom_score_adj");
        Scheduling.SetOomScoreAdjustment(pid, Math.Min(int.Parse(own, CultureInfo.InvariantCulture) + 1, Highest));
    }

    private static void StartDaemon(ShimCommandLine line, string bundle, UnixSocket listener, Cgroup? cgroup)
    {
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        var arguments = new List<string> { line.Name, "-namespace", line.Namespace, "-id", line.Id, "-address", line.Address, "-bundle", bundle };
        if (line.Debug)
        {
            arguments.Add("-debug");
        }

        arguments.Add(ShimCommandLine.Serve);
        // containerd waits for the end of the standard streams of this process; the daemon must not hold them.
        using ClonedProcess daemon = new PreparedClone()
            .Setsid()
            .DuplicateTo(nothing, 0)
            .DuplicateTo(nothing, 1)
            .DuplicateTo(nothing, 2)
            .DuplicateTo(listener, ShimProgram.ListenerNumber)
            .CloseRangeFrom(ShimProgram.ListenerNumber + 1)
            .Chdir("/")
            .ResetSignals()
            .Execve(Self, arguments, ShimEnvironment.ForDaemon())
            .Start();
        cgroup?.JoinWhereThere(daemon.Pid);
        RaiseOomScore(daemon.Pid);
    }

    private static void WriteAddress(string bundle, string address)
    {
        string path = Path.Combine(bundle, ShimPlace.AddressFile);
        ShimPlace.WriteOwn($"{path}.new", Encoding.UTF8.GetBytes(address));
        FileCalls.Rename($"{path}.new", path);
    }

    // After a shim that was killed: everything of the container goes, and what would have been the answer to Delete is printed.
    private static void Delete(ShimCommandLine line)
    {
        string bundle = Bundle(line);
        // First what nobody else takes away: containerd gives this process five seconds (cleanupTimeout in its runtime/v2), and the command, which
        // may take longer on a busy machine, goes on without it.
        ShimRemains.RemoveIfDead(ShimPlace.SocketFor(line, bundle));
        ShimRemains.RemoveOfTheDead();
        var commands = new RuntimeCommands(ShimSettings.Load(line, bundle), bundle);
        commands.RunAsync(["delete", "--force", line.Id], CancellationToken.None).GetAwaiter().GetResult();
        SnapshotMount.Remove(Path.Combine(bundle, "rootfs"));
        var answer = new DeleteResponse { ExitStatus = KilledExitCode, ExitedAt = Timestamp.FromDateTime(DateTime.UtcNow) };
        StandardStream.Output.Write(answer.ToByteArray());
    }

    private static string Bundle(ShimCommandLine line) => line.Bundle.Length > 0 ? line.Bundle : Environment.CurrentDirectory;
}
