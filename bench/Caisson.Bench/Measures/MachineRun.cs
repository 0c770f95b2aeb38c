using Caisson.Hypervisors;

namespace Caisson.Bench;

/// <summary>A whole life of a container in a machine of its own, beside a whole life of such a machine with nothing in it.</summary>
internal sealed class MachineRun : IBenchmark
{
    private const int WorkloadCode = 7;

    // From the issue that asks for the foundation, "Speed and memory".
    private const double AtMostOfBareBoot = 1.4;

    public string Name => "vm-run";

    public string Title => "caisson run in a virtual machine, cold, against QEMU booting the same kernel to power off";

    public void Run(BenchContext context)
    {
        BenchPlace place = context.Place;
        var bundle = Bundle.Create(place, "vm-run", "/bin/sh", "-c", $"exit {WorkloadCode}");
        var run = () => new ChildCommand(place.Caisson, "--isolation", "vm", "run", "--bundle", bundle.Path, place.NewId("vm")).Time(WorkloadCode);
        _ = run();    // chooses the accelerator, if nobody has yet
        Accelerator accelerator = BareMachine.ChosenAccelerator(place);
        string initrd = BenchImages.PowerOff(place);
        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context,
            context.Options.MachineRounds,
            ("caisson", run),
            ("bare QEMU", () => BareMachine.TimeWholeLife(place, accelerator, initrd)));

        double ratio = samples["caisson"].Median / samples["bare QEMU"].Median;
        context.Report.Add(Name, samples["caisson"], $"{ratio:0.00} of the bare boot, by {accelerator}");
        context.Report.Add(Name, samples["bare QEMU"]);
        context.Report.Judge("vm run of true, against a bare boot", ratio, AtMostOfBareBoot);
    }
}
