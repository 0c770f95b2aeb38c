using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Agent;

/// <summary>
/// Namespaces that a container shares with another of this guest. The host names the other container, never a path or a pid of the guest; its
/// namespaces are held open from before the pid is known to be its own until the new container has joined them.
/// </summary>
internal sealed class SharedNamespaces : IDisposable
{
    // Our own form of a namespace's path.
    private const string ContainerMarker = "container:";

    // The agent, whose descriptors a container's init looks up before it enters a pid namespace or a root of its own.
    private const int AgentPid = 1;

    private static readonly string[] s_types = ["ipc", "uts", "pid"];

    private readonly List<NamespaceFd> _held = [];

    /// <summary>Finds the namespaces.</summary>
    /// <param name="sandbox">Whose containers they are.</param>
    /// <param name="spec">What the host sent.</param>
    /// <returns>The specification with paths that the container's init can open as long as this is not disposed.</returns>
    internal OciSpec Resolve(GuestSandbox sandbox, OciSpec spec)
    {
        SpecList<LinuxNamespace> namespaces = spec.Linux?.Namespaces ?? [];
        var resolved = new List<LinuxNamespace>(namespaces.Count);
        foreach (LinuxNamespace ns in namespaces)
        {
            resolved.Add(string.IsNullOrEmpty(ns.Path) ? ns : ns with { Path = Open(sandbox, ns) });
        }

        return _held.Count == 0 ? spec : spec with { Linux = spec.Linux! with { Namespaces = [.. resolved] } };
    }

    public void Dispose() => _held.ForEach(static held => held.Dispose());

    private string Open(GuestSandbox sandbox, LinuxNamespace ns)
    {
        if (Array.IndexOf(s_types, ns.Type) < 0 || !ns.Path!.StartsWith(ContainerMarker, StringComparison.Ordinal))
        {
            throw Refusal.Invalid($"{ns.Type} namespace \"{ns.Path}\": ipc, uts and pid namespaces of the guest's containers are shared, and no others");
        }

        NamespaceFd held = sandbox.Find(RequestFields.Id(ns.Path[ContainerMarker.Length..], "namespaces")).OpenNamespace(ns.Type);
        _held.Add(held);
        return $"/proc/{AgentPid}/fd/{held.Number}";
    }
}
