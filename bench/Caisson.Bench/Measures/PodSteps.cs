using System.Diagnostics;
using Caisson.IntegrationTests.Cri;

namespace Caisson.Bench;

/// <summary>Each of kubelet's calls in a pod's life by itself.</summary>
internal sealed class PodSteps : IBenchmark
{
    // From the issue that asks for pods under containerd, "Speed".
    private const double AtMostOfRunc = 1.0;

    private const string Own = "caisson-namespaces";
    private const string Machine = "caisson";
    private const string Runc = "runc";

    // These are containerd's alone: its shim has no part in them, so that they are as long for all and only shown.
    private static readonly string[] s_withoutShim = ["create", "remove", "remove pod"];

    private static readonly string[] s_steps = ["run pod", "create", "start", "exec true", "stop", "remove", "stop pod", "remove pod"];

    public string Name => "pods";

    public string Title => "a pod's life through CRI, call by call, in namespaces and in machines, against containerd's runc shim";

    public bool IsLong => true;

    public void Run(BenchContext context) => BenchContainerd.Use(context, containerd =>
    {
        Dictionary<string, Contestant> all = new() { [Own] = new(Own), [Runc] = new(Runc), [Machine] = new(Machine) };
        Contestant[] order = [.. all.Values];
        for (int round = 0; round <= context.Options.Rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (Contestant contestant in order)
            {
                if (contestant != all[Machine] || round <= context.Options.MachineRounds)
                {
                    context.ThrowIfInterrupted();
                    contestant.Live(containerd, isMeasured: round > 0);
                }
            }
        }

        foreach (string step in s_steps)
        {
            Judge(context, step, all[Own].Samples[step], all[Runc].Samples[step], all[Machine].Samples[step]);
        }
    });

    private void Judge(BenchContext context, string step, Sample own, Sample runc, Sample machine)
    {
        double ofRunc = own.Median / runc.Median;
        context.Report.Add(Name, own, $"{ofRunc:0.00} of the runc shim's");
        context.Report.Add(Name, runc);
        context.Report.Add(Name, machine, $"{machine.Median / runc.Median:0.00} of the runc shim's");
        if (s_withoutShim.Contains(step))
        {
            return;
        }

        context.Report.Judge($"{step} through CRI in namespaces, against the runc shim", ofRunc, AtMostOfRunc);
    }

    private sealed class Contestant(string handler)
    {
        internal Dictionary<string, Sample> Samples { get; } = s_steps.ToDictionary(step => step, step => new Sample($"{step}, {handler}"));

        internal void Live(BenchContainerd containerd, bool isMeasured)
        {
            void Step(string step, Action call)
            {
                long start = Stopwatch.GetTimestamp();
                call();
                if (isMeasured)
                {
                    Samples[step].Add(Stopwatch.GetElapsedTime(start));
                }
            }

            using var pod = new BenchPod(containerd, handler);
            CriClient client = containerd.Client;
            string container = "";
            Step("run pod", pod.Run);
            Step("create", () => container = pod.Create("main"));
            Step("start", () => client.StartContainer(container));
            pod.WaitForReadiness("main");
            Step("exec true", () => Exec(client, container));
            Step("stop", () => client.StopContainer(container, graceSeconds: 60));
            Step("remove", () => client.RemoveContainer(container));
            Step("stop pod", pod.Stop);
            Step("remove pod", pod.Remove);
        }

        private static void Exec(CriClient client, string container)
        {
            ExecSyncReply reply = client.Exec(container, timeoutSeconds: 0, "/bin/true");
            if (reply.ExitCode != 0)
            {
                throw new BenchException($"exec of true ended with {reply.ExitCode}: {reply.Stderr.ToStringUtf8()}");
            }
        }
    }
}
