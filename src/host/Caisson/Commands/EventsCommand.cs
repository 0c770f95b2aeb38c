using System.Diagnostics.CodeAnalysis;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>events</c>: what a container uses, once or again and again, and when its memory runs out.</summary>
internal sealed class EventsCommand : Command
{
    // From the refusal of a call to the end of the process that stands for the container, which drains its output first.
    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_defaultInterval = TimeSpan.FromSeconds(5);

    internal override string Name => "events";

    internal override string Summary => "print what a container uses, and out-of-memory events, as JSON lines";

    internal override string Usage => "[options] CONTAINER";

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Text("interval", "TIME", "how often to print, such as 5s or 100ms (default: 5s)"),
        Flag.Switch("stats", "print once and exit"),
    ];

    internal override int Run(Invocation invocation)
    {
        TimeSpan interval = ReadInterval(invocation.Flags.Text("interval"));
        (ContainerRecord record, IContainerBackend backend) = new Runtime(invocation).Load(invocation.Arguments[0]);
        if (backend.Look(record).Status == ContainerStatus.Stopped)
        {
            throw new SandboxException($"container with id {record.Id} is not running");
        }

        if (invocation.Flags.IsSet("stats"))
        {
            Print(record, backend);
            return 0;
        }

        using IContainerWatch watch = backend.Watch(record);
        while (true)
        {
            WaitOutcome outcome = watch.Wait(interval);
            if (outcome == WaitOutcome.TimeOver && !TryPrint(record, backend, out SandboxException? failure))
            {
                // Measured while it was ending: the end, or the lack of memory that caused it, is told at once.
                outcome = watch.Wait(s_endPatience);
                if (outcome == WaitOutcome.TimeOver)
                {
                    throw failure;
                }
            }

            switch (outcome)
            {
                case WaitOutcome.Stopped:
                    return 0;
                case WaitOutcome.OutOfMemory:
                    StandardStream.Output.Write(UsageText.OutOfMemory(record.Id));
                    break;
            }
        }
    }

    private static bool TryPrint(ContainerRecord record, IContainerBackend backend, [NotNullWhen(false)] out SandboxException? failure)
    {
        try
        {
            Print(record, backend);
            failure = null;
            return true;
        }
        catch (SandboxException cause)
        {
            failure = cause;
            return false;
        }
    }

    private static void Print(ContainerRecord record, IContainerBackend backend) =>
        StandardStream.Output.Write(UsageText.Of(record.Id, backend.Measure(record)));

    private static TimeSpan ReadInterval(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return s_defaultInterval;
        }

        if (!DurationText.TryParse(text, out TimeSpan interval))
        {
            throw new UsageException($"invalid value \"{text}\" for flag -interval: expected a duration such as 5s or 100ms");
        }

        return interval > TimeSpan.Zero ? interval : throw new SandboxException("duration interval must be greater than 0");
    }
}
