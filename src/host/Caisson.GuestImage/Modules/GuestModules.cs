namespace Caisson.GuestImage;

/// <summary>A named set of modules that the agent loads together.</summary>
/// <param name="Name">As written in modules.order.</param>
/// <param name="Modules">What is asked for; dependencies are added.</param>
/// <param name="Required">Without it no guest works, so a tree that lacks it is refused.</param>
internal sealed record ModuleGroup(string Name, IReadOnlyList<string> Modules, bool Required);

/// <summary>
/// Which modules a guest gets, and when. `core` is what the agent needs before it can say a word to the host, so it is loaded at
/// boot and kept small: each module costs milliseconds under emulation. Every other group is loaded when it is first needed.
/// </summary>
internal sealed class GuestModules
{
    internal const string Directory = "lib/modules/caisson";
    internal const string OrderFile = Directory + "/modules.order";

    internal static IReadOnlyList<ModuleGroup> Groups { get; } =
    [
        new("core", ["virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_console"], Required: true),
        new("virtiofs", ["fuse", "virtiofs"], Required: true),
        new("overlay", ["overlay"], Required: false),
        new("vsock", ["vsock", "vmw_vsock_virtio_transport"], Required: false),
        new("rng", ["virtio_rng"], Required: false),
        new("block", ["virtio_blk"], Required: false),
        new("net", ["virtio_net"], Required: false),
        new("balloon", ["virtio_balloon"], Required: false),
        new("memory", ["virtio_mem"], Required: false),
        new("erofs", ["erofs"], Required: false),
        new("ext4", ["ext4"], Required: false),
        new("loop", ["loop"], Required: false),
    ];

    private readonly List<ModuleFile> _modules = [];
    private readonly Dictionary<string, string> _fileNames = [];
    private readonly List<(string Group, List<string> Files)> _order = [];

    /// <summary>Every module once, in the order of the groups.</summary>
    internal IReadOnlyList<ModuleFile> Modules => _modules;

    /// <summary>Groups of which this kernel has neither a module nor the code built in.</summary>
    internal List<string> Missing { get; } = [];

    internal static GuestModules Resolve(ModuleTree tree) => Resolve(tree, Groups);

    internal static GuestModules Resolve(ModuleTree tree, IReadOnlyList<ModuleGroup> groups)
    {
        var guest = new GuestModules();
        foreach (ModuleGroup group in groups)
        {
            guest.AddGroup(tree, group);
        }

        return guest;
    }

    /// <summary>Leaves out the modules' signatures, which the kernel would check at every boot.</summary>
    internal void DropSignatures() => _modules.ForEach(static module => module.DropSignature());

    /// <summary>The path below the initrd's root, numbered so that a listing shows the order.</summary>
    internal string PathOf(ModuleFile module) => $"{Directory}/{_fileNames[module.Name]}";

    /// <summary>
    /// The text of modules.order: a line for each group, "NAME: FILE FILE ...", in load order, beginning with `core`. What is in core
    /// is not named again; another file may stand in several groups. A group that is built into the kernel has an empty line, one that
    /// the kernel lacks has none.
    /// </summary>
    internal string OrderText() => string.Concat(_order.ConvertAll(group => $"{string.Join(' ', [$"{group.Group}:", .. group.Files])}\n"));

    private void AddGroup(ModuleTree tree, ModuleGroup group)
    {
        if (!group.Required && !tree.HasAll(group.Modules))
        {
            Missing.Add(group.Name);
            return;
        }

        var files = new List<string>();
        foreach (ModuleFile module in tree.WithDependencies(group.Modules))
        {
            string fileName = FileNameOf(module);
            if (_order.Count == 0 || !_order[0].Files.Contains(fileName))
            {
                files.Add(fileName);
            }
        }

        _order.Add((group.Name, files));
    }

    private string FileNameOf(ModuleFile module)
    {
        if (!_fileNames.TryGetValue(module.Name, out string? fileName))
        {
            fileName = $"{_modules.Count:00}-{module.Name}.ko";
            _fileNames.Add(module.Name, fileName);
            _modules.Add(module);
        }

        return fileName;
    }
}
