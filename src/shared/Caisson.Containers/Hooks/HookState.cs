using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>The state that a hook reads.</summary>
public static class HookState
{
    /// <summary>The container's state as JSON.</summary>
    /// <param name="spec">Its configuration: version and annotations.</param>
    /// <param name="id">Its id.</param>
    /// <param name="bundle">Its bundle.</param>
    /// <param name="status">Where it is in its life.</param>
    /// <param name="pid">Init's pid as the hook sees it; 0 once it has stopped.</param>
    public static byte[] Write(OciSpec spec, string id, string bundle, ContainerStatus status, int pid)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return StateWriter.Hook(new OciState
        {
            OciVersion = spec.OciVersion ?? "1.0.2",
            Id = id,
            Status = status,
            Pid = pid,
            Bundle = bundle,
            Annotations = spec.Annotations,
        });
    }

    internal static byte[] Write(ContainerRequest container, ContainerStatus status, int pid) =>
        Write(container.Spec, container.Id, container.Bundle, status, pid);
}
