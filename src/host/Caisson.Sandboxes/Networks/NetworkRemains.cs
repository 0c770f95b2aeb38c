using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>Takes what a sandbox made out of its pod's network namespace, once its machine has ended.</summary>
internal static class NetworkRemains
{
    /// <summary>For a sandbox without a supervisor. A namespace that is gone took everything with it.</summary>
    internal static void Undo(SandboxSnapshot snapshot)
    {
        if (snapshot.Network is not { NamespacePath: { } path } network || !NamespaceFd.TryOpen(path, out NamespaceFd ns, out _))
        {
            return;
        }

        using (ns)
        {
            if (FileCalls.Stat(ns).Inode != network.NamespaceId || ns.Kind != NamespaceKinds.Network)
            {
                return;
            }

            NamespaceCalls.InNetwork(ns, () =>
            {
                using RouteSocket route = RouteSocket.Open();
                Undo(route, network, SandboxNetwork.CookieOf(snapshot.Id));
                return true;
            });
        }
    }

    /// <summary>In the namespace of the calling thread.</summary>
    internal static void Undo(RouteSocket route, NetworkSnapshot network, ReadOnlySpan<byte> cookie)
    {
        foreach (NetworkAttachment one in network.Interfaces)
        {
            TrafficFilter.Undo(route, one, cookie);
        }
    }
}
