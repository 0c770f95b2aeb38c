using System.Diagnostics;
using System.Net.Sockets;
using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>
/// TCP between a container in a machine and a peer beyond its pod's veth pair, and between the bare machine, with the same QEMU, kernel and
/// program, and a peer behind a TAP that it has for itself. From the connection's beginning to its end, each way.
/// </summary>
internal sealed class NetworkTraffic : IBenchmark
{
    // From the issue that asks for pods under containerd, "Speed": at least 0.9 of the hand-made TAP's throughput.
    private const double AtMostOfTheTime = 1 / 0.9;

    // As Traffic in the guest's program.
    private const int Bytes = 64 * 1024 * 1024;

    public string Name => "tcp";

    public string Title => "TCP through the pod network of a machine, against the same QEMU with a hand-made TAP";

    public bool IsLong => true;

    public void Run(BenchContext context)
    {
        BenchPlace place = context.Place;
        var bundle = Bundle.Create(place, "tcp", "/bin/sleep", "100000");
        File.Copy(place.Built("caisson-bench-agent"), Path.Combine(bundle.Path, "rootfs", "bin", "traffic"));
        using var pod = BenchNetwork.OfPod();
        using var tap = BenchNetwork.OfTap();
        bundle.Change(spec => spec["linux"]!["namespaces"]!.AsArray().Single(one => (string)one!["type"]! == "network")!["path"] = pod.PodPath);
        using RunningContainer container = RunningContainer.Start(place, "vm", bundle);
        var card = new VmNetworkCard("tap0", "02:00:00:00:79:02", [tap.Tap!]);
        using BareMachine machine = BareMachine.Start(
            place, BareMachine.ChosenAccelerator(place), BenchImages.MiniAgent(place), AgentTransport.VirtioSerial, Path.Combine(bundle.Path, "rootfs"), card);
        using UnixSocket port = UnixSocket.Connect(machine.AgentSocket);
        Ask(port, "net\n"u8);
        foreach (string direction in (string[])["send", "receive"])
        {
            Measure(context, direction, pod, tap, container, port);
        }
    }

    private void Measure(BenchContext context, string direction, BenchNetwork pod, BenchNetwork tap, RunningContainer container, UnixSocket port)
    {
        string what = direction == "send" ? "from the guest" : "to the guest";
        byte[] question = [(byte)direction[0], (byte)'\n'];
        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context,
            context.Options.MachineRounds,
            ($"caisson, 64 MiB {what}", () => Time(pod, direction, () => _ = container.Exec("/bin/traffic", "traffic", direction).Read())),
            ($"hand-made TAP, 64 MiB {what}", () => Time(tap, direction, () => Ask(port, question))));
        Sample own = samples[$"caisson, 64 MiB {what}"];
        Sample peer = samples[$"hand-made TAP, 64 MiB {what}"];
        context.Report.Add(Name, own, $"{peer.Median / own.Median:0.00} of the throughput by a hand-made TAP, {Bytes / own.Median / 1000:0} MB/s");
        context.Report.Add(Name, peer, $"{Bytes / peer.Median / 1000:0} MB/s");
        context.Report.Judge($"time of TCP {what}, against a hand-made TAP", own.Median / peer.Median, AtMostOfTheTime);
    }

    private static TimeSpan Time(BenchNetwork network, string direction, Action guest)
    {
        Task other = Task.Run(guest);
        TimeSpan time;
        using (Socket connection = network.Accept())
        {
            long start = Stopwatch.GetTimestamp();
            Carry(connection, direction);
            time = Stopwatch.GetElapsedTime(start);
        }

        other.GetAwaiter().GetResult();
        return time;
    }

    private static void Carry(Socket connection, string direction)
    {
        byte[] chunk = new byte[64 * 1024];
        int received = 0;
        if (direction == "receive")
        {
            for (int sent = 0; sent < Bytes;)
            {
                sent += connection.Send(chunk);
            }

            // The guest closes when it has everything.
            connection.Shutdown(SocketShutdown.Send);
            _ = connection.Receive(chunk);
            return;
        }

        while (connection.Receive(chunk) is > 0 and int count)
        {
            received += count;
        }

        if (received != Bytes)
        {
            throw new BenchException($"{received} bytes arrived where {Bytes} were due");
        }
    }

    // The first answer comes when the machine has booted.
    private static void Ask(UnixSocket port, ReadOnlySpan<byte> question)
    {
        byte[] answer = new byte[16];
        port.Write(question);
        int length = port.Read(answer);
        if (!answer.AsSpan(0, length).SequenceEqual("0\n"u8))
        {
            throw new BenchException("the minimal agent could not do what it was asked for");
        }
    }
}
