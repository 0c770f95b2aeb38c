using System.Text.Json.Nodes;

namespace Caisson.Bench;

/// <summary>A container of Caisson's that sleeps, for as long as this object.</summary>
internal sealed class RunningContainer : IDisposable
{
    private readonly BenchPlace _place;
    private readonly string _isolation;

    private RunningContainer(BenchPlace place, string isolation, string id)
    {
        _place = place;
        _isolation = isolation;
        Id = id;
    }

    internal string Id { get; }

    /// <summary>Starts it, detached; its bundle's process has to sleep.</summary>
    internal static RunningContainer Start(BenchPlace place, string isolation, Bundle bundle)
    {
        var container = new RunningContainer(place, isolation, place.NewId("sleeps"));
        try
        {
            _ = container.Command("run", "--detach", "--bundle", bundle.Path, container.Id).Read();
            return container;
        }
        catch
        {
            container.Dispose();
            throw;
        }
    }

    /// <summary>The host's process that stands for it.</summary>
    internal int Pid => JsonNode.Parse(Command("state", Id).Read())!["pid"]!.GetValue<int>();

    internal ChildCommand Exec(params string[] words) => Command(["exec", Id, .. words]);

    internal ChildCommand Command(params string[] words) => new(_place.Caisson, ["--isolation", _isolation, .. words]);

    public void Dispose() => _ = Command("delete", "--force", Id).Run();
}
