using System.Globalization;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>kill</c>: a signal for a container. Takes no lock: it must work whatever another command is waiting for.</summary>
internal sealed class KillCommand : Command
{
    internal override string Name => "kill";

    internal override string Summary => "send a signal (default: SIGTERM) to a container's init";

    internal override string Usage => "[options] CONTAINER [SIGNAL]";

    internal override string Description => "SIGNAL is a number or a name, with or without SIG.";

    internal override IReadOnlyList<Flag> Flags => [Flag.Switch("all", "send it to every process of the container", 'a')];

    internal override int MostArguments => 2;

    internal override int Run(Invocation invocation)
    {
        int signal = ParseSignal(invocation.Arguments.Count > 1 ? invocation.Arguments[1] : "SIGTERM");
        (ContainerRecord record, IContainerBackend backend) = new Runtime(invocation).Load(invocation.Arguments[0]);
        backend.Kill(record, signal, invocation.Flags.IsSet("all"));
        return 0;
    }

    // A number goes to the kernel as it is, which knows best; 0 only asks whether the process is there.
    private static int ParseSignal(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return number;
        }

        return SignalNames.TryParse(text, out Signal signal) ? (int)signal : throw new SandboxException($"unknown signal \"{text}\"");
    }
}
