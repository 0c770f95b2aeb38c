using Caisson.Harness;

namespace Caisson.IntegrationTests;

/// <summary>A test with a place of its own, which must be as empty after it as before.</summary>
public abstract class ContainerTest : IDisposable
{
    private readonly List<Workplace> _places = [];

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        foreach (Workplace place in _places)
        {
            place.Dispose();
        }
    }

    protected Workplace Place(Isolation isolation)
    {
        var place = new Workplace(isolation, static () => TestContext.Current.TestState?.Result == TestResult.Failed);
        _places.Add(place);
        return place;
    }
}
