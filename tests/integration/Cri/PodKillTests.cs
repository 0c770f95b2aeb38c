using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Cri;

/// <summary>
/// Something under a pod dies at a moment of the pod's life. What kubelet asks then is answered within its patience, the pod can be stopped and
/// removed, and nothing is left.
/// </summary>
public sealed class PodKillTests : CriTest
{
    private const string Grace = "trap 'touch /volume/terminating' TERM; touch /volume/running; while :; do sleep 0.05; done";

    // Of a container that may write there, as nobody asks for read-only paths.
    private const string Panic = "echo c >/proc/sysrq-trigger";

    private readonly List<Exception> _unexpected = [];
    private Isolation _isolation;
    private CriNode _node = null!;
    private CriPod? _pod;
    private string _volume = "";
    private string _container = "";

    /// <summary>What dies.</summary>
    public enum Victim
    {
        Shim,
        Machine,
        Kernel,
        Agent,
        Containerd,
    }

    /// <summary>When it dies.</summary>
    public enum Moment
    {
        PodStarts,
        PodRuns,
        ContainerIsCreated,
        ContainerStarts,
        ContainerRuns,
        ExecRuns,
        OutputFlows,
        ContainerHasEnded,
        ContainerStops,
        ContainerIsRemoved,
        PodStops,
    }

    [RootTheory]
    [InlineData(Victim.Shim)]
    [InlineData(Victim.Containerd)]
    public void Death_under_a_pod_leaves_nothing(Victim victim) => KillAt(Isolation.Namespaces, victim, Moment.ExecRuns);

    [VmTheory]
    [InlineData(Victim.Shim, Moment.OutputFlows)]
    [InlineData(Victim.Machine, Moment.ContainerStops)]
    [InlineData(Victim.Kernel, Moment.ExecRuns)]
    [InlineData(Victim.Agent, Moment.ContainerRuns)]
    [InlineData(Victim.Containerd, Moment.ContainerHasEnded)]
    public void Death_under_a_pod_in_a_machine_leaves_nothing(Victim victim, Moment moment) => KillAt(Isolation.Vm, victim, moment);

    [SoakTheory]
    [InlineData(Victim.Shim)]
    [InlineData(Victim.Containerd)]
    public void Death_under_a_pod_at_any_moment_leaves_nothing(Victim victim) => KillAtEach(Isolation.Namespaces, victim);

    [SoakTheory]
    [InlineData(Victim.Shim)]
    [InlineData(Victim.Machine)]
    [InlineData(Victim.Kernel)]
    [InlineData(Victim.Agent)]
    [InlineData(Victim.Containerd)]
    public void Death_under_a_pod_in_a_machine_at_any_moment_leaves_nothing(Victim victim) => KillAtEach(Isolation.Vm, victim);

    // A kernel is made to panic by a container, so not before there is a pod.
    private void KillAtEach(Isolation isolation, Victim victim) =>
        KillAt(isolation, victim, [.. Enum.GetValues<Moment>().Where(moment => victim != Victim.Kernel || moment != Moment.PodStarts)]);

    private void KillAt(Isolation isolation, Victim victim, params Moment[] moments)
    {
        _isolation = isolation;
        Workplace place = Place(isolation);
        _node = Node(place);
        foreach (Moment moment in moments)
        {
            _volume = Path.Combine(place.Path, $"volume-{moment}");
            Directory.CreateDirectory(_volume);
            Live($"pod-{moment}".ToLowerInvariant(), moment, () => Kill(victim));
            Assert.Empty(_unexpected);
            if (victim is Victim.Shim or Victim.Machine or Victim.Kernel && moment is >= Moment.ContainerRuns and < Moment.ContainerIsRemoved)
            {
                // 255 is the plugin's own word for "unknown", where it sees the shim go before containerd has cleaned up.
                Assert.Contains(_pod!.WaitForEnd(_container).ExitCode, victim == Victim.Shim ? [137, 255] : (int[])[137]);
            }

            RemoveAll();
            _node.RequireEmpty();
        }
    }

    // A pod's life up to the moment.
    private void Live(string name, Moment moment, Action kill)
    {
        if (moment == Moment.PodStarts)
        {
            // In a machine, when that has begun to boot.
            string first = _isolation == Isolation.Vm ? MachineProcesses.Hypervisor : "containerd-shim-caisson";
            During(() => _node.RunPod(name), () => MachineProcesses.Find(first), kill);
            return;
        }

        _pod = _node.RunPod(name);
        if (moment == Moment.PodRuns)
        {
            kill();
            return;
        }

        _container = _pod.Create("main", ["/bin/sh", "-c", Grace], Mount);
        if (moment == Moment.ContainerStarts)
        {
            During(() => _node.Client.StartContainer(_container), () => { }, kill);
            return;
        }

        if (moment != Moment.ContainerIsCreated)
        {
            _node.Client.StartContainer(_container);
            WaitForFile("running");
        }

        LiveOn(_pod, moment, kill);
    }

    private void LiveOn(CriPod pod, Moment moment, Action kill)
    {
        switch (moment)
        {
            case Moment.ExecRuns:
                // With a limit, as probes have: what hangs without one is waited for as long as it takes.
                During(() => _node.Client.Exec(_container, 60, "/bin/sh", "-c", "touch /volume/executing; exec sleep 1000"), () => WaitForFile("executing"), kill);
                break;
            case Moment.OutputFlows:
                pod.Run("loud", "while :; do echo line; done", Mount);
                Deadline.Wait("much output", () => File.Exists(pod.LogFile("loud")) && new FileInfo(pod.LogFile("loud")).Length > 100_000);
                kill();
                break;
            case Moment.ContainerHasEnded:
                Assert.Equal(4, pod.WaitForEnd(pod.Run("ended", "exit 4")).ExitCode);
                kill();
                break;
            case Moment.ContainerStops:
                During(() => _node.Client.StopContainer(_container, graceSeconds: 30), () => WaitForFile("terminating"), kill);
                break;
            case Moment.ContainerIsRemoved:
                _node.Client.StopContainer(_container, graceSeconds: 0);
                _node.Client.RemoveContainer(_container);
                kill();
                break;
            case Moment.PodStops:
                During(() => _node.Client.StopPod(pod.Id), () => { }, kill);
                break;
            default:
                kill();
                break;
        }
    }

    private void Kill(Victim victim)
    {
        switch (victim)
        {
            case Victim.Shim:
                SendTo("containerd-shim-caisson", Signal.SIGKILL);
                break;
            case Victim.Containerd:
                _node.Containerd.KillAndStart();
                Deadline.Wait("the network is known again", _node.Client.IsReady);
                break;
            case Victim.Machine:
                SendTo(MachineProcesses.Hypervisor, Signal.SIGKILL);
                break;
            case Victim.Agent:
                // Nothing in the guest answers any more, as after QMP's "stop".
                SendTo(MachineProcesses.Hypervisor, Signal.SIGSTOP);
                break;
            case Victim.Kernel:
                Try(() => _pod!.Run("panic", Panic));
                break;
        }
    }

    // One that has not begun yet, or is gone already, is not there to be killed.
    private static void SendTo(string process, Signal signal)
    {
        if (MachineProcesses.TryFind(process) is { } pid)
        {
            MachineProcesses.Signal(pid, signal);
        }
    }

    /// <summary>Kills in the middle of a call, which must end, well or with an error.</summary>
    private void During(Action call, Action middle, Action kill)
    {
        var calling = new Thread(() => Try(call));
        calling.Start();
        middle();
        kill();
        Assert.True(calling.Join(Deadline.Patience), "the call that was under way does not end");
    }

    private void Try(Action call)
    {
        try
        {
            call();
        }
        catch (Exception cause) when (cause is CriException or HttpRequestException)
        {
            // An error is an answer.
        }
        catch (Exception cause)
        {
            lock (_unexpected)
            {
                _unexpected.Add(cause);
            }
        }
    }

    // As kubelet does: until it succeeds.
    private void RemoveAll()
    {
        string why = "";
        Deadline.Wait("every pod is gone", TryRemoveAll, () => why);

        bool TryRemoveAll()
        {
            try
            {
                foreach (Pod pod in _node.Client.Pods())
                {
                    _node.Client.StopPod(pod.Id);
                    _node.Client.RemovePod(pod.Id);
                }

                return true;
            }
            catch (CriException cause)
            {
                why = cause.Message;
                return false;
            }
        }
    }

    private void Mount(ContainerConfig config) => config.Mounts.Add(new Mount { ContainerPath = "/volume", HostPath = _volume });

    private void WaitForFile(string name) => Deadline.Wait($"the file {name}", () => File.Exists(Path.Combine(_volume, name)));
}
