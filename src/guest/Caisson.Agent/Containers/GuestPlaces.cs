namespace Caisson.Agent;

/// <summary>Where things lie in the guest: Kata's layout, so that either half can be exchanged.</summary>
internal static class GuestPlaces
{
    /// <summary>Everything of the sandbox.</summary>
    internal const string Top = "/run/kata-containers";

    /// <summary>What the host shares.</summary>
    internal const string Shared = Top + "/shared/containers";

    /// <summary>Where the containers' cgroups are, below the hierarchy's root. The agent's own is elsewhere, whatever a container is called.</summary>
    internal const string Cgroups = "/containers";
}
