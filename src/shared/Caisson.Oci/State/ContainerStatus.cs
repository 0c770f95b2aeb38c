namespace Caisson.Oci;

/// <summary>Where a container is in its life: the specification's four states, and runc's paused.</summary>
public enum ContainerStatus
{
    /// <summary>The container is being made.</summary>
    Creating,

    /// <summary>Everything is in place; the user's program was not started.</summary>
    Created,

    /// <summary>The user's program was started and has not ended.</summary>
    Running,

    /// <summary>Every process of the container is frozen.</summary>
    Paused,

    /// <summary>The container's first process has ended.</summary>
    Stopped,
}

/// <summary>The names that states have in JSON.</summary>
public static class ContainerStatusNames
{
    /// <summary>The lower-case name of the specification.</summary>
    public static string Name(this ContainerStatus status) => status switch
    {
        ContainerStatus.Creating => "creating",
        ContainerStatus.Created => "created",
        ContainerStatus.Running => "running",
        ContainerStatus.Paused => "paused",
        ContainerStatus.Stopped => "stopped",
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };

    /// <summary>The state of this name.</summary>
    public static bool TryParse(string name, out ContainerStatus status)
    {
        for (status = ContainerStatus.Creating; status <= ContainerStatus.Stopped; status++)
        {
            if (status.Name() == name)
            {
                return true;
            }
        }
        status = default;
        return false;
    }
}
