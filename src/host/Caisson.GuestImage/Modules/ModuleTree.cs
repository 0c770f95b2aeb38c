using System.Text;

namespace Caisson.GuestImage;

/// <summary>
/// A directory of kernel modules (lib/modules/RELEASE). Dependencies come from the modules themselves: modules.dep exists only
/// after depmod has run, which for an unpacked package is never.
/// </summary>
internal sealed class ModuleTree
{
    private const string Step = "find modules";
    private static readonly string[] s_suffixes = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

    private readonly string _directory;
    private readonly Dictionary<string, string> _paths = [];
    private readonly HashSet<string> _builtIn = [];
    private readonly Dictionary<string, ModuleFile> _read = [];

    private ModuleTree(string directory) => _directory = directory;

    internal static ModuleTree Open(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new GuestImageException(Step, directory, "no such directory; give lib/modules/RELEASE of the kernel's package with --modules");
        }

        var tree = new ModuleTree(directory);
        tree.IndexFiles();
        tree.IndexBuiltIn();
        return tree;
    }

    /// <summary>The kernel has it without any module.</summary>
    internal bool IsBuiltIn(string name) => _builtIn.Contains(name);

    internal bool Has(string name) => _paths.ContainsKey(name);

    /// <summary>Is each of these there, as a module or in the kernel?</summary>
    internal bool HasAll(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (!Has(name) && !IsBuiltIn(name))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The modules and all they need, each once and before what needs it. What is built in is left out.</summary>
    internal IReadOnlyList<ModuleFile> WithDependencies(IEnumerable<string> names)
    {
        var ordered = new List<ModuleFile>();
        foreach (string name in names)
        {
            Visit(name, ordered, []);
        }

        return ordered;
    }

    private void Visit(string name, List<ModuleFile> ordered, List<string> path)
    {
        if (IsBuiltIn(name) || ordered.Exists(module => module.Name == name))
        {
            return;
        }

        if (path.Contains(name))
        {
            throw new GuestImageException(Step, _directory, $"modules need each other in a circle: {string.Join(" -> ", path)} -> {name}");
        }

        path.Add(name);
        ModuleFile module = Read(name, path);
        foreach (string needed in module.Depends)
        {
            Visit(needed, ordered, path);
        }

        path.RemoveAt(path.Count - 1);
        ordered.Add(module);
    }

    private ModuleFile Read(string name, List<string> path)
    {
        if (_read.TryGetValue(name, out ModuleFile? known))
        {
            return known;
        }

        if (!_paths.TryGetValue(name, out string? file))
        {
            throw new GuestImageException(Step, _directory, $"{name} is neither built in nor there as a module (needed by way of {string.Join(" -> ", path)})");
        }

        return _read[name] = ModuleFile.Read(name, file);
    }

    private void IndexFiles()
    {
        // Links are not followed: "build" and "source" lead out of the tree, to whole kernel sources.
        var everyFile = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        string[] files = Directory.GetFiles(_directory, "*.ko*", everyFile);
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string file in files)
        {
            string fileName = Path.GetFileName(file);
            string? suffix = Array.Find(s_suffixes, suffix => fileName.EndsWith(suffix, StringComparison.Ordinal));
            if (suffix is not null)
            {
                _paths.TryAdd(ModuleFile.Normalize(fileName[..^suffix.Length]), file);
            }
        }
    }

    private void IndexBuiltIn()
    {
        string list = Path.Combine(_directory, "modules.builtin");
        if (!File.Exists(list))
        {
            return;
        }

        foreach (string line in Encoding.UTF8.GetString(File.ReadAllBytes(list)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _builtIn.Add(ModuleFile.Normalize(Path.GetFileNameWithoutExtension(line.Trim())));
        }
    }
}
