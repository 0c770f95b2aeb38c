using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>
/// Kernel modules by the groups of the initrd's list (see Caisson.GuestImage): each group once, when it is first needed.
/// </summary>
internal sealed class ModuleGroups
{
    private const string Place = "/lib/modules/caisson";

    private readonly Dictionary<string, string[]> _files;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _loaded = [];   // under _lock, which is held while modules load: a second caller must wait for them

    private ModuleGroups(Dictionary<string, string[]> files) => _files = files;

    internal static ModuleGroups Read() => Of(SmallFile.ReadText($"{Place}/modules.order"));

    /// <summary>The groups of a list, whose files are looked for in the usual place.</summary>
    internal static ModuleGroups Of(string list) => new(Parse(list));

    /// <summary>Lines are "NAME: FILE FILE ...", in load order.</summary>
    internal static Dictionary<string, string[]> Parse(string text)
    {
        var groups = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                groups[line[..colon]] = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return groups;
    }

    /// <summary>Loads a group, and core before it. A group that this kernel lacks is no error here: what needs it says so by itself.</summary>
    internal void Load(string group)
    {
        lock (_lock)
        {
            if (group != "core")
            {
                LoadOnce("core");
            }

            LoadOnce(group);
        }
    }

    private void LoadOnce(string group)
    {
        if (!_loaded.Add(group) || !_files.TryGetValue(group, out string[]? files))
        {
            return;
        }

        foreach (string file in files)
        {
            using FileFd module = FileCalls.Open($"{Place}/{file}", OpenFlags.O_RDONLY);
            if (!KernelModule.TryLoad(module, "", out Errno why) && why != Errno.EEXIST)
            {
                string remedy = why == Errno.EKEYREJECTED ? "; this kernel wants signed modules: caisson guest build --keep-signatures" : "";
                ConsoleLog.Write($"module {file}: {why.Describe()}{remedy}");
            }
        }
    }
}
