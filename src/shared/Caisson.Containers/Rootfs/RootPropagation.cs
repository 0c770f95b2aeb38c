using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// <c>linux.rootfsPropagation</c>: how mounts travel between the container's root and the host. Default is slave: the host's
/// mounts come in, the container's stay in.
/// </summary>
internal readonly struct RootPropagation
{
    private readonly MountPropagation _type;
    private readonly bool _isRecursive;

    private RootPropagation(MountPropagation type, bool isRecursive)
    {
        _type = type;
        _isRecursive = isRecursive;
    }

    internal static RootPropagation Of(string? name) => name switch
    {
        null or "" => new(MountPropagation.Unchanged, true),
        "slave" => new(MountPropagation.Slave, false),
        "rslave" => new(MountPropagation.Slave, true),
        "private" => new(MountPropagation.Private, false),
        "rprivate" => new(MountPropagation.Private, true),
        "shared" => new(MountPropagation.Shared, false),
        "rshared" => new(MountPropagation.Shared, true),
        "unbindable" => new(MountPropagation.Unbindable, false),
        "runbindable" => new(MountPropagation.Unbindable, true),
        _ => throw new ContainerException($"rootfsPropagation={name} is not supported", Errno.EINVAL),
    };

    /// <summary>
    /// Before anything is mounted: from here nothing reaches the host. For a shared root the mounts below stay as they are, because binds
    /// of them are to go on sharing; only the one that the root is attached to must not, or the attachment itself would travel.
    /// </summary>
    internal void Separate()
    {
        if (_type == MountPropagation.Shared)
        {
            MountCalls.SetPropagation("/", MountPropagation.Private, recursive: false);
            return;
        }

        // An unbindable host tree could not be bound from, so that type, like private, is given to the root at the end.
        MountPropagation separating = _type == MountPropagation.Private ? MountPropagation.Private : MountPropagation.Slave;
        MountCalls.SetPropagation("/", separating, recursive: true);
    }

    /// <summary>pivot_root(2) takes no shared root; it becomes so again once inside.</summary>
    internal void Separate(MountFd root)
    {
        if (_type == MountPropagation.Shared)
        {
            MountCalls.SetAttributes(root, 0, 0, MountPropagation.Private);
        }
    }

    /// <summary>The mount that a shared root is attached to must not share, or the attachment would reach the host.</summary>
    internal void Separate(PathFd place)
    {
        if (_type != MountPropagation.Shared)
        {
            return;
        }

        ulong id = FileCalls.Stat(place).MountId;
        foreach (MountInfo mount in MountInfo.Read())
        {
            if ((ulong)mount.Id == id)
            {
                MountCalls.SetPropagation(mount.MountPoint, MountPropagation.Private, recursive: false);
            }
        }
    }

    /// <summary>Once inside.</summary>
    internal void ApplyToRoot()
    {
        if (_type != MountPropagation.Unchanged && _type != MountPropagation.Slave)
        {
            MountCalls.SetPropagation("/", _type, _isRecursive);
        }
    }
}
