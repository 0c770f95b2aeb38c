using Caisson.Harness;

namespace Caisson.IntegrationTests;

/// <summary>A test with a place of its own, which must be as empty after it as before.</summary>
public abstract class ContainerTest : IDisposable
{
    private readonly List<Workplace> _places = [];

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Finish(HasFailed());
        foreach (Workplace place in _places)
        {
            place.Dispose();
        }
    }

    protected Workplace Place(Isolation isolation)
    {
        var place = new Workplace(isolation, HasFailed);
        _places.Add(place);
        return place;
    }

    /// <summary>Ends what a test has beside its places, before these are looked at.</summary>
    /// <param name="failed">The test has failed already: only clear away.</param>
    protected virtual void Finish(bool failed)
    {
    }

    private static bool HasFailed() => TestContext.Current.TestState?.Result == TestResult.Failed;
}
