using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// The options of one entry of <c>mounts</c>, sorted into what mount(2), mount_setattr(2) and we ourselves understand;
/// the names are those of the runtime specification ("Linux mount options").
/// </summary>
internal sealed class MountOptions
{
    private readonly List<MountFlags> _propagation = [];
    private readonly List<string> _data = [];

    /// <summary>Flags set, MS_BIND and MS_REC among them; propagation is apart.</summary>
    public MountFlags Flags { get; private set; }

    /// <summary>Flags that an option such as <c>rw</c> or <c>suid</c> asked to be clear: a bind mount inherits its source's.</summary>
    public MountFlags Cleared { get; private set; }

    /// <summary>One mount(2) each, in this order, after the mount exists.</summary>
    public IReadOnlyList<MountFlags> Propagation => _propagation;

    /// <summary>Attributes for the whole tree (<c>rro</c>…) to set.</summary>
    public MountAttributes RecursiveSet { get; private set; }

    /// <summary>Attributes for the whole tree (<c>rrw</c>…) to clear.</summary>
    public MountAttributes RecursiveClear { get; private set; }

    /// <summary><c>tmpcopyup</c>: what the destination held is copied into the new tmpfs.</summary>
    public bool CopiesUp { get; private set; }

    /// <summary><c>idmap</c> or <c>ridmap</c>.</summary>
    public bool IsIdMapped { get; private set; }

    /// <summary><c>ridmap</c>: the whole tree.</summary>
    public bool IsIdMappedRecursively { get; private set; }

    /// <summary>What is left for the file system itself, comma-separated.</summary>
    public string Data => string.Join(',', _data);

    /// <summary>What a bind mount cannot have, because it belongs to the file system that is bound; separated by commas.</summary>
    public string MeaninglessOnBind
    {
        get
        {
            const MountFlags OfFileSystem =
                MountFlags.MS_SYNCHRONOUS | MountFlags.MS_DIRSYNC | MountFlags.MS_MANDLOCK | MountFlags.MS_LAZYTIME | MountFlags.MS_I_VERSION;
            string data = Data;
            return (Flags & OfFileSystem) == 0 ? data : data.Length == 0 ? $"{Flags & OfFileSystem}" : $"{Flags & OfFileSystem},{data}";
        }
    }

    /// <summary>Does the mount show another part of the tree instead of a new file system?</summary>
    public bool IsBind => Flags.HasFlag(MountFlags.MS_BIND);

    /// <summary>Ends it read-only?</summary>
    public bool IsReadOnly => Flags.HasFlag(MountFlags.MS_RDONLY);

    public static MountOptions Parse(IEnumerable<string> options)
    {
        var parsed = new MountOptions();
        foreach (string option in options)
        {
            parsed.Add(option);
        }

        return parsed;
    }

    /// <summary>The value of a <c>name=value</c> option of the file system, or null.</summary>
    public string? FindData(string name)
    {
        foreach (string option in _data)
        {
            if (option.Length > name.Length && option[name.Length] == '=' && option.StartsWith(name, StringComparison.Ordinal))
            {
                return option[(name.Length + 1)..];
            }
        }

        return null;
    }

    private void Add(string option)
    {
        if (TryFlag(option, out MountFlags flag, out bool clears))
        {
            Flags = clears ? Flags & ~flag : Flags | flag;
            Cleared = clears ? Cleared | flag : Cleared & ~flag;
        }
        else if (TryPropagation(option, out MountFlags propagation))
        {
            _propagation.Add(propagation);
        }
        else if (TryRecursive(option, out MountAttributes set, out MountAttributes clear))
        {
            RecursiveSet = (RecursiveSet & ~clear) | set;
            RecursiveClear = (RecursiveClear & ~set) | clear;
        }
        else
        {
            AddOwn(option);
        }
    }

    private void AddOwn(string option)
    {
        switch (option)
        {
            case "tmpcopyup":
                CopiesUp = true;
                break;
            case "idmap":
                IsIdMapped = true;
                break;
            case "ridmap":
                IsIdMapped = true;
                IsIdMappedRecursively = true;
                break;
            case "defaults" or "":
                break;
            default:
                _data.Add(option);
                break;
        }
    }

    private static bool TryFlag(string option, out MountFlags flag, out bool clears)
    {
        (flag, clears) = option switch
        {
            "bind" => (MountFlags.MS_BIND, false),
            "rbind" => (MountFlags.MS_BIND | MountFlags.MS_REC, false),
            "remount" => (MountFlags.MS_REMOUNT, false),
            "ro" => (MountFlags.MS_RDONLY, false),
            "rw" => (MountFlags.MS_RDONLY, true),
            "nosuid" => (MountFlags.MS_NOSUID, false),
            "suid" => (MountFlags.MS_NOSUID, true),
            "nodev" => (MountFlags.MS_NODEV, false),
            "dev" => (MountFlags.MS_NODEV, true),
            "noexec" => (MountFlags.MS_NOEXEC, false),
            "exec" => (MountFlags.MS_NOEXEC, true),
            "noatime" => (MountFlags.MS_NOATIME, false),
            "atime" => (MountFlags.MS_NOATIME, true),
            "nodiratime" => (MountFlags.MS_NODIRATIME, false),
            "diratime" => (MountFlags.MS_NODIRATIME, true),
            "relatime" => (MountFlags.MS_RELATIME, false),
            "norelatime" => (MountFlags.MS_RELATIME, true),
            "strictatime" => (MountFlags.MS_STRICTATIME, false),
            "nostrictatime" => (MountFlags.MS_STRICTATIME, true),
            "lazytime" => (MountFlags.MS_LAZYTIME, false),
            "nolazytime" => (MountFlags.MS_LAZYTIME, true),
            "sync" => (MountFlags.MS_SYNCHRONOUS, false),
            "async" => (MountFlags.MS_SYNCHRONOUS, true),
            "dirsync" => (MountFlags.MS_DIRSYNC, false),
            "mand" => (MountFlags.MS_MANDLOCK, false),
            "nomand" => (MountFlags.MS_MANDLOCK, true),
            "silent" => (MountFlags.MS_SILENT, false),
            "loud" => (MountFlags.MS_SILENT, true),
            "iversion" => (MountFlags.MS_I_VERSION, false),
            "noiversion" => (MountFlags.MS_I_VERSION, true),
            "nosymfollow" => (MountFlags.MS_NOSYMFOLLOW, false),
            "symfollow" => (MountFlags.MS_NOSYMFOLLOW, true),
            _ => default,
        };
        return flag != default;
    }

    private static bool TryPropagation(string option, out MountFlags propagation)
    {
        propagation = option switch
        {
            "private" => MountFlags.MS_PRIVATE,
            "rprivate" => MountFlags.MS_PRIVATE | MountFlags.MS_REC,
            "shared" => MountFlags.MS_SHARED,
            "rshared" => MountFlags.MS_SHARED | MountFlags.MS_REC,
            "slave" => MountFlags.MS_SLAVE,
            "rslave" => MountFlags.MS_SLAVE | MountFlags.MS_REC,
            "unbindable" => MountFlags.MS_UNBINDABLE,
            "runbindable" => MountFlags.MS_UNBINDABLE | MountFlags.MS_REC,
            _ => default,
        };
        return propagation != default;
    }

    // mount_setattr(2) wants the whole access-time field cleared before one of its values is set.
    private static bool TryRecursive(string option, out MountAttributes set, out MountAttributes clear)
    {
        (set, clear) = option switch
        {
            "rro" => (MountAttributes.MOUNT_ATTR_RDONLY, default),
            "rrw" => (default, MountAttributes.MOUNT_ATTR_RDONLY),
            "rnosuid" => (MountAttributes.MOUNT_ATTR_NOSUID, default),
            "rsuid" => (default, MountAttributes.MOUNT_ATTR_NOSUID),
            "rnodev" => (MountAttributes.MOUNT_ATTR_NODEV, default),
            "rdev" => (default, MountAttributes.MOUNT_ATTR_NODEV),
            "rnoexec" => (MountAttributes.MOUNT_ATTR_NOEXEC, default),
            "rexec" => (default, MountAttributes.MOUNT_ATTR_NOEXEC),
            "rnodiratime" => (MountAttributes.MOUNT_ATTR_NODIRATIME, default),
            "rdiratime" => (default, MountAttributes.MOUNT_ATTR_NODIRATIME),
            "rnoatime" => (MountAttributes.MOUNT_ATTR_NOATIME, MountAttributes.MOUNT_ATTR__ATIME),
            "ratime" or "rrelatime" => (default, MountAttributes.MOUNT_ATTR__ATIME),
            "rstrictatime" or "rnorelatime" => (MountAttributes.MOUNT_ATTR_STRICTATIME, MountAttributes.MOUNT_ATTR__ATIME),
            "rnostrictatime" => (default, MountAttributes.MOUNT_ATTR__ATIME),
            "rnosymfollow" => (MountAttributes.MOUNT_ATTR_NOSYMFOLLOW, default),
            "rsymfollow" => (default, MountAttributes.MOUNT_ATTR_NOSYMFOLLOW),
            _ => (default(MountAttributes), default(MountAttributes)),
        };
        return set != default || clear != default;
    }
}
