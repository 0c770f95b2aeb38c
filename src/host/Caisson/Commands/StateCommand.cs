using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>state</c>: what the specification calls a container's state, as JSON.</summary>
internal sealed class StateCommand : Command
{
    internal override string Name => "state";

    internal override string Summary => "print the state of a container as JSON";

    internal override string Usage => "CONTAINER";

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        (ContainerRecord record, IContainerBackend backend) = runtime.Load(invocation.Arguments[0]);
        StandardStream.Output.Write(StateWriter.Printed(new ListedContainer(record, backend.Look(record)).ToState()));
        StandardStream.Output.Write("\n");
        return 0;
    }
}
