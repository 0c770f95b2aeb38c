using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// The libraries a program loads at its start, found as ld.so(8) finds them, without asking it: running a host's program to
/// learn about it (ldd) is slower, and ld.so's cache is a format of its own.
/// </summary>
internal sealed class SharedLibraries
{
    // ld.so's own directories; Debian's and Fedora's multi-architecture ones among them.
    private static readonly string[] s_trusted = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

    // Includes may include; a cycle must end.
    private const int MaxIncludeDepth = 4;

    private readonly List<string> _directories;
    private readonly HashSet<string> _files = [];
    private readonly HashSet<string> _usedDirectories = [];

    internal SharedLibraries(string configuration = "/etc/ld.so.conf")
    {
        _directories = [.. ReadConfiguration(configuration, MaxIncludeDepth), .. s_trusted];
    }

    /// <summary>Interpreter and libraries of all programs added so far.</summary>
    internal IReadOnlyCollection<string> Files => _files;

    /// <summary>LD_LIBRARY_PATH for a root that holds <see cref="Files"/> but not ld.so's cache and configuration.</summary>
    internal string LibraryPath => string.Join(':', _usedDirectories);

    /// <summary>Adds what a program, or a module that a program loads by itself, needs.</summary>
    /// <exception cref="HypervisorException">A library is nowhere to be found.</exception>
    internal void Add(string path)
    {
        if (ElfFile.Read(path) is not { } elf)
        {
            return;
        }

        if (elf.Interpreter is not null)
        {
            _files.Add(elf.Interpreter);
        }

        foreach (string name in elf.Needed)
        {
            string found = Find(name, elf.SearchPath)
                ?? throw new HypervisorException("find libraries", $"{path} needs {name}, which is in none of ld.so's directories", "reinstall the package it belongs to");
            if (_files.Add(found))
            {
                _usedDirectories.Add(Path.GetDirectoryName(found)!);
                Add(found);
            }
        }
    }

    private string? Find(string name, IReadOnlyList<string> ownDirectories)
    {
        if (name.Contains('/'))
        {
            return File.Exists(name) ? name : null;
        }

        foreach (string directory in (IEnumerable<string>)[.. ownDirectories, .. _directories])
        {
            string candidate = Path.Combine(directory, name);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    private static List<string> ReadConfiguration(string path, int depth)
    {
        var directories = new List<string>();
        if (depth == 0 || !File.Exists(path))
        {
            return directories;
        }

        foreach (string line in SmallFile.ReadText(path).Split('\n'))
        {
            string entry = line.Split('#')[0].Trim();
            if (entry.StartsWith("include ", StringComparison.Ordinal))
            {
                foreach (string included in Match(entry["include ".Length..].Trim(), Path.GetDirectoryName(path)!))
                {
                    directories.AddRange(ReadConfiguration(included, depth - 1));
                }
            }
            else if (entry.StartsWith('/'))
            {
                directories.Add(entry);
            }
        }

        return directories;
    }

    private static string[] Match(string pattern, string relativeTo)
    {
        string full = Path.Combine(relativeTo, pattern);
        string directory = Path.GetDirectoryName(full)!;
        string[] files = Directory.Exists(directory) ? Directory.GetFiles(directory, Path.GetFileName(full)) : [];
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }
}
