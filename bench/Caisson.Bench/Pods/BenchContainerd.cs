using Caisson.Harness;
using Caisson.IntegrationTests.Cri;

namespace Caisson.Bench;

/// <summary>A containerd with a node's network and the CRI plugin, and both shims to be had, for as long as one benchmark.</summary>
internal sealed class BenchContainerd : IDisposable
{
    private readonly Workplace _place;
    private readonly CriNode _node;
    private readonly BenchPlace _names;
    private bool _failed = true;

    private BenchContainerd(BenchContext context)
    {
        _ = BenchPlace.Peer("containerd");
        _ = BenchPlace.Peer("containerd-shim-runc-v2");
        _names = context.Place;
        _place = new Workplace(Isolation.Namespaces, () => _failed);
        try
        {
            _node = CriNode.Start(_place);
        }
        catch
        {
            _place.Dispose();
            throw;
        }
    }

    /// <summary>Starts one, lets a benchmark use it, and sees that nothing is left.</summary>
    internal static void Use(BenchContext context, Action<BenchContainerd> work)
    {
        using var containerd = new BenchContainerd(context);
        work(containerd);
        containerd._failed = false;
    }

    internal CriClient Client => _node.Client;

    /// <summary>An id that containerd does not know yet, and that the look for leftovers knows as ours.</summary>
    internal string NewId(string what) => $"{_place.Name}-{_names.NewId(what)}";

    internal PodConfig NewPod(string name) => CriPod.Configure(_place, name);

    /// <summary>A command of ctr's.</summary>
    internal ChildCommand Ctr(params string[] words) => new(BenchPlace.Peer("ctr"), [.. _node.Containerd.Globals, .. words]);

    public void Dispose()
    {
        try
        {
            _node.Finish(_failed);
        }
        catch (HarnessException)
        {
            _failed = true;
            throw;
        }
        finally
        {
            _place.Dispose();
        }
    }
}
