namespace Caisson.Bench;

/// <summary>A directory for one run of the program, and the programs it measures.</summary>
internal sealed class BenchPlace : IDisposable
{
    private static readonly string[] s_peerPlaces = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];
    private int _ids;

    internal BenchPlace()
    {
        Output = Path.GetFullPath(Environment.GetEnvironmentVariable("CAISSON_OUT") ?? "out");
        Caisson = Existing(Path.Combine(Output, "caisson"), "./dev build");
        Directory = System.IO.Directory.CreateTempSubdirectory("caisson-bench-").FullName;
    }

    /// <summary>Where <c>./dev build</c> leaves things.</summary>
    internal string Output { get; }

    internal string Caisson { get; }

    internal string Directory { get; }

    internal string Kernel => Existing(Path.Combine(Output, "guest", "vmlinux"), "./dev build");

    internal string Initrd => Existing(Path.Combine(Output, "guest", "initrd.img"), "./dev build");

    /// <summary>An id for a container or a directory, unlike all others.</summary>
    internal string NewId(string what) => $"bench-{Environment.ProcessId}-{what}-{Interlocked.Increment(ref _ids)}";

    internal string Built(string name) => Existing(Path.Combine(Output, name), "./dev bench");

    internal static string? FindPeer(string name)
    {
        foreach (string place in s_peerPlaces)
        {
            string path = Path.Combine(place, name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    internal static string Peer(string name) =>
        FindPeer(name) ?? throw new BenchException($"{name} is not installed: apt-get install {name}, or ./dev bench as root");

    private static string Existing(string path, string remedy) =>
        File.Exists(path) ? path : throw new BenchException($"{path} is missing: {remedy} makes it");

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
