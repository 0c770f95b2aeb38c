using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

public sealed class RunTests : ContainerTest
{
    [Theory, Isolations]
    public void Output_and_errors_stay_apart(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo out; echo err >&2");

        CommandResult result = place.RunBundle();

        Assert.Equal(new CommandResult(0, "out\n", "err\n"), result);
    }
}
