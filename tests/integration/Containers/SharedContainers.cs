using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>One running container for each isolation that is there, for tests that only look at it or run something in it.</summary>
public sealed class SharedContainers : IDisposable
{
    private readonly Dictionary<Isolation, Lazy<Workplace>> _places;
    private readonly Stack<Workplace> _started = new();

    public SharedContainers()
    {
        _places = Enum.GetValues<Isolation>().ToDictionary(isolation => isolation, isolation => new Lazy<Workplace>(() => Start(isolation)));
    }

    public Workplace In(Isolation isolation) => _places[isolation].Value;

    public void Dispose()
    {
        // The last one first: each looks for what came since itself. One that fails must not keep the others from being removed.
        var failures = new List<Exception>();
        while (_started.TryPop(out Workplace? place))
        {
            try
            {
                place.Run("delete", "--force", place.Id).Expect();
                place.Dispose();
            }
            catch (HarnessException failure)
            {
                failures.Add(failure);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    private Workplace Start(Isolation isolation)
    {
        var place = new Workplace(isolation, static () => false);
        try
        {
            // Always the same two processes: one started anew every second would be a leak to whoever looks for what came since.
            place.Bundle.Writable().Script("trap 'exit 0' TERM; sleep 1000 & echo ready; while :; do wait; done");
            place.Detach().WaitForOutput("ready");
            _started.Push(place);
            return place;
        }
        catch
        {
            place.Abandon();
            throw;
        }
    }
}
