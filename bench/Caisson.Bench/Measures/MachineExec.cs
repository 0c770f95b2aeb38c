using System.Diagnostics;
using System.Text;
using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>A process more in a machine that runs, beside the same asked of an agent that can do nothing else.</summary>
internal sealed class MachineExec : IBenchmark
{
    // From the issue that asks for the foundation, "Speed and memory".
    private const double AtMostOfMinimal = 5;

    public string Name => "vm-exec";

    public string Title => "caisson exec true in a running machine, against a minimal agent on the same kind of port";

    public void Run(BenchContext context)
    {
        BenchPlace place = context.Place;
        var bundle = Bundle.Create(place, "vm-exec", "/bin/sleep", "100000");
        using RunningContainer container = RunningContainer.Start(place, "vm", bundle);
        using BareMachine machine = BareMachine.Start(
            place, BareMachine.ChosenAccelerator(place), BenchImages.MiniAgent(place), AgentTransport.VirtioSerial, Path.Combine(bundle.Path, "rootfs"));
        using UnixSocket port = UnixSocket.Connect(machine.AgentSocket);
        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context,
            context.Options.Rounds,
            ("caisson exec true", () => container.Exec("/bin/true").Time()),
            ("minimal agent, exec true", () => Ask(port, "exec\n"u8.ToArray())),
            ("minimal agent, unconfined", () => Ask(port, "plain\n"u8.ToArray())),
            ("minimal agent, bare true", () => Ask(port, "bare\n"u8.ToArray())));

        Sample own = samples["caisson exec true"];
        Sample peer = samples["minimal agent, exec true"];
        double ratio = own.Median / peer.Median;
        context.Report.Add(Name, own, $"{ratio:0.0} times the minimal agent's");
        context.Report.Add(Name, peer);
        context.Report.Add(
            Name, samples["minimal agent, unconfined"], "no cgroup, user, capabilities, no_new_privs, cwd, signals: for information");
        context.Report.Add(Name, samples["minimal agent, bare true"], "no namespaces, no share, no pipes: for information");
        context.Report.Judge("vm exec of true, against a minimal agent", ratio, AtMostOfMinimal);
    }

    // The first answer comes when the machine has booted.
    private static TimeSpan Ask(UnixSocket port, byte[] question)
    {
        byte[] answer = new byte[16];
        long start = Stopwatch.GetTimestamp();
        port.Write(question);
        int length = port.Read(answer);
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        return length > 0 && answer.AsSpan(0, length).SequenceEqual("0\n"u8)
            ? time
            : throw new BenchException($"the minimal agent answered '{Encoding.ASCII.GetString(answer, 0, length).Trim()}' where 0 was due");
    }
}
