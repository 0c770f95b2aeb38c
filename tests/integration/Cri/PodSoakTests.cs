using Caisson.Harness;

namespace Caisson.IntegrationTests.Cri;

/// <summary>Many pods, one after the other and at once.</summary>
public sealed class PodSoakTests : CriTest
{
    [RootFact]
    public void Pods_come_and_go()
    {
        Workplace place = Place(Isolation.Namespaces);
        CriNode node = Node(place);
        int count = Host.Soaks ? 50 : 3;
        for (int i = 0; i < count; i++)
        {
            RunToTheEnd(node, $"row{i}");
        }
    }

    [RootFact]
    public void Pods_come_and_go_at_once() => RunAtOnce(Isolation.Namespaces, Host.Soaks ? 10 : 4);

    [SoakTheory]
    [InlineData(4)]
    public void Pods_in_machines_come_and_go_at_once(int count) => RunAtOnce(Isolation.Vm, count);

    [SoakTheory]
    [InlineData(10)]
    public void Pods_in_machines_come_and_go(int count)
    {
        CriNode node = Node(Place(Isolation.Vm));
        for (int i = 0; i < count; i++)
        {
            RunToTheEnd(node, $"row{i}");
        }
    }

    private void RunAtOnce(Isolation isolation, int count)
    {
        CriNode node = Node(Place(isolation));
        var threads = new List<Thread>();
        var failures = new List<Exception>();
        for (int i = 0; i < count; i++)
        {
            string name = $"one{i}";
            var thread = new Thread(() =>
            {
                try
                {
                    RunToTheEnd(node, name);
                }
                catch (Exception cause)
                {
                    lock (failures)
                    {
                        failures.Add(cause);
                    }
                }
            });
            thread.Start();
            threads.Add(thread);
        }

        threads.ForEach(thread => thread.Join());
        Assert.Empty(failures);
    }

    private static void RunToTheEnd(CriNode node, string name)
    {
        CriPod pod = node.RunPod(name);
        string ended = pod.Run("ended", "echo done; exit 2");
        string running = pod.Run("running", "exec sleep 1000");
        Assert.Equal(2, pod.WaitForEnd(ended).ExitCode);
        Assert.Equal($"{name}\n", pod.Exec(running, "hostname"));
        Assert.True(node.Client.ContainerStats(running).Memory.WorkingSet.Value > 0);
        Assert.Equal("stdout F done\n", pod.Log("ended"));
        pod.Remove();
    }
}
