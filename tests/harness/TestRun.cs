using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>This run of tests: what tells its things from those of others on the same machine.</summary>
public static class TestRun
{
    private static int s_last;

    /// <summary>The beginning of every container's id.</summary>
    public static string Mark { get; } = $"caissontest{Environment.ProcessId}";

    /// <summary>Where everything of this run is; removed at its end.</summary>
    public static string Directory { get; } = MakeDirectory();

    public static string NextName() => $"{Mark}-{Interlocked.Increment(ref s_last)}";

    private static string MakeDirectory()
    {
        string path = Path.Combine(Path.GetTempPath(), Mark);
        System.IO.Directory.CreateDirectory(path);
        // Containers of other users must reach their root file systems.
        FileCalls.ChangeMode(path, 0x1ED); // 0755
        AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(path, recursive: true);
        return path;
    }
}
