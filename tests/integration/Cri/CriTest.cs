using Caisson.Harness;

namespace Caisson.IntegrationTests.Cri;

/// <summary>A test with a node of its own.</summary>
public abstract class CriTest : ContainerTest
{
    private CriNode? _node;

    internal CriNode Node(Workplace place, string extraPlugin = "") => _node = CriNode.Start(place, extraPlugin);

    protected override void Finish(bool failed) => _node?.Finish(failed);
}
