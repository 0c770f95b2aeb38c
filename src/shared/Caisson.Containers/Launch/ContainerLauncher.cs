using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Creates containers: the creator's side of what <see cref="ContainerInit"/> does inside.</summary>
public static class ContainerLauncher
{
    /// <summary>
    /// Begins the new network namespace of a container that is about to be created, if it wants one and it may be made by itself: for
    /// <see cref="ContainerRequest.NetworkAhead"/>. Nothing of it is left when the caller ends.
    /// </summary>
    /// <param name="spec">The configuration, validated.</param>
    /// <returns>The caller's to dispose of; null where the namespace is made with the others.</returns>
    public static NetworkNamespaceAhead? TryBeginNetwork(OciSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return UserIds.EffectiveUser == 0 && NamespacePlan.From(spec.Linux).MayMakeNetworkAhead(spec.Linux) ? NetworkNamespaceAhead.TryBegin() : null;
    }

    /// <summary>
    /// Makes the cgroup, clones init into its namespaces, runs the hooks prestart and createRuntime, and returns once init is prepared
    /// down to the executable, and waits. The caller writes its state and calls <see cref="LaunchedContainer.Commit"/>.
    /// On failure nothing is left: no process, cgroup or fifo.
    /// </summary>
    /// <param name="request">What to create.</param>
    /// <exception cref="ContainerException">The step that failed, in runc's words.</exception>
    public static LaunchedContainer Create(ContainerRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RequestCheck.Check(request);
        using var launch = new ContainerLaunch(request);
        return launch.Run();
    }
}
