namespace Caisson.Bench;

/// <summary>What a pod's shim costs while nothing happens, with one container beside the pause container and with more.</summary>
internal sealed class ShimMemory : IBenchmark
{
    // From the issue that asks for pods under containerd, "Speed"; a megabyte is a million bytes, the stricter reading.
    private const double ShimMegabytes = 15;
    private const double MoreMegabytes = 1;

    private const int MoreContainers = 8;
    private const string ShimPrefix = "containerd-shim-caisson";

    public string Name => "shim";

    public string Title => "memory of a pod's shim with one container, and for each more (PSS)";

    public bool IsLong => true;

    public void Run(BenchContext context) => BenchContainerd.Use(context, containerd =>
    {
        Measure(context, containerd, "caisson-namespaces", "namespaces");
        Measure(context, containerd, "caisson", "vm");
    });

    private void Measure(BenchContext context, BenchContainerd containerd, string handler, string isolation)
    {
        using var pod = new BenchPod(containerd, handler);
        pod.Run();
        int shim = ShimOf(pod.Id);
        double alone = ProcessMemory.Pss(shim);
        Start(containerd, pod, "first");
        double one = ProcessMemory.Pss(shim);
        for (int i = 1; i <= MoreContainers; i++)
        {
            context.ThrowIfInterrupted();
            Start(containerd, pod, $"more{i}");
        }

        double more = (ProcessMemory.Pss(shim) - one) / MoreContainers;
        context.Report.Add(Name, $"shim in {isolation}, pause only", alone, "MB");
        context.Report.Add(Name, $"shim in {isolation}, one container", one, "MB");
        context.Report.Judge($"shim with one container in {isolation}", one, ShimMegabytes, "MB");
        context.Report.Add(Name, $"shim in {isolation}, for each more", more, "MB");
        context.Report.Judge($"shim in {isolation}, for each more", more, MoreMegabytes, "MB");
    }

    // What exec needs once is part of what a container costs.
    private static void Start(BenchContainerd containerd, BenchPod pod, string name)
    {
        string container = pod.Create(name);
        containerd.Client.StartContainer(container);
        _ = containerd.Client.Exec(container, timeoutSeconds: 0, "/bin/true");
    }

    private static int ShimOf(string pod) => ProcessMemory.Pids().Single(pid =>
        ProcessMemory.CommandLine(pid) is [{ } name, .. { } words] && Path.GetFileName(name).StartsWith(ShimPrefix, StringComparison.Ordinal) && words.Contains(pod));
}
