using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>One running container for each isolation that is there, for tests that only look at it or run something in it.</summary>
public sealed class SharedContainers : IDisposable
{
    private readonly Dictionary<Isolation, Lazy<Workplace>> _places;

    public SharedContainers()
    {
        _places = Enum.GetValues<Isolation>().ToDictionary(isolation => isolation, isolation => new Lazy<Workplace>(() => Start(isolation)));
    }

    public Workplace In(Isolation isolation) => _places[isolation].Value;

    public void Dispose()
    {
        foreach (Lazy<Workplace> place in _places.Values.Where(place => place.IsValueCreated))
        {
            place.Value.Run("delete", "--force", place.Value.Id).Expect();
            place.Value.Dispose();
        }
    }

    private static Workplace Start(Isolation isolation)
    {
        var place = new Workplace(isolation, static () => false);
        try
        {
            place.Bundle.Writable().Script("trap 'exit 0' TERM; echo ready; while :; do sleep 1; done");
            place.Detach().WaitForOutput("ready");
            return place;
        }
        catch
        {
            place.Abandon();
            throw;
        }
    }
}
