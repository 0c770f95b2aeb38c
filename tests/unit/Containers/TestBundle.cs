using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>A bundle with busybox in it, and the default configuration without a terminal; what a container printed, and how it ended.</summary>
public sealed class TestBundle : IDisposable
{
    private static readonly string[] s_applets =
        ["sh", "true", "ls", "cat", "id", "mount", "sleep", "echo", "ps", "stat", "touch", "grep", "mkdir", "rm", "readlink", "hostname", "tty", "head", "stty", "kill"];

    public TestBundle()
    {
        Path = Directory.CreateTempSubdirectory("caisson-bundle-").FullName;
        Id = "unit" + System.IO.Path.GetFileName(Path)["caisson-bundle-".Length..];
        File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(InRoot("bin"));
        File.Copy("/bin/busybox", InRoot("bin/busybox"));
        foreach (string applet in s_applets)
        {
            File.CreateSymbolicLink(InRoot("bin/" + applet), "busybox");
        }

        OciSpec standard = DefaultSpec.Create(rootless: false);
        Spec = standard with { Process = standard.Process! with { Terminal = false } };
    }

    public string Path { get; }

    public string Id { get; }

    public OciSpec Spec { get; set; }

    public string InRoot(string name) => System.IO.Path.Combine(Path, "rootfs", name);

    /// <summary>Sets a shell script as the workload.</summary>
    public TestBundle Script(string script) => Arguments("sh", "-c", script);

    public TestBundle Arguments(params ReadOnlySpan<string> arguments)
    {
        Spec = Spec with { Process = Spec.Process! with { Args = SpecList.Create(arguments) } };
        return this;
    }

    public TestBundle Process(Func<OciProcess, OciProcess> change)
    {
        Spec = Spec with { Process = change(Spec.Process!) };
        return this;
    }

    public TestBundle Linux(Func<OciLinux, OciLinux> change)
    {
        Spec = Spec with { Linux = change(Spec.Linux!) };
        return this;
    }

    public TestBundle Mount(string destination, string type, string source, params ReadOnlySpan<string> options)
    {
        Spec = Spec with
        {
            Mounts = [.. Spec.Mounts, new OciMount { Destination = destination, Type = type, Source = source, Options = SpecList.Create(options) }],
        };
        return this;
    }

    /// <summary>The owner of the root directory may make mount points in it.</summary>
    public void GiveRootTo(uint user)
    {
        using PathFd root = PathFd.Open(InRoot("."), OpenFlags.O_DIRECTORY);
        FileCalls.ChangeOwner(root, user, user);
    }

    public TestBundle Writable()
    {
        Spec = Spec with { Root = Spec.Root! with { Readonly = false } };
        return this;
    }

    /// <summary>Runs the workload to its end in a process of its own that has one thread, as the command line has.</summary>
    public Outcome Run() => ContainerProbe.Start("run", this);

    /// <summary>Runs without pivot_root.</summary>
    public Outcome RunWithoutPivot() => ContainerProbe.Start("no-pivot", this);

    /// <summary>Creates and starts through the fifo.</summary>
    public Outcome CreateAndStart() => ContainerProbe.Start("create-start", this);

    /// <summary>Runs the workload, and in it, once it has said "ready", a shell script; the script's outcome counts.</summary>
    public Outcome Exec(string script)
    {
        OciProcess process = Spec.Process! with { Args = ["sh", "-c", script] };
        File.WriteAllBytes(System.IO.Path.Combine(Path, "exec.json"), SpecWriter.Write(process));
        return ContainerProbe.Start("exec", this);
    }

    /// <summary>Runs the workload with a terminal; what came out of the master counts.</summary>
    public Outcome RunOnTerminal() => ContainerProbe.Start("terminal", this);

    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
        Assert.Empty(LeftCgroups());
    }

    private List<string> LeftCgroups()
    {
        var left = new List<string>();
        foreach (CgroupHierarchy hierarchy in CgroupLayout.Discover().Hierarchies)
        {
            string directory = hierarchy.Resolve("/caisson-" + Id);
            if (Directory.Exists(directory))
            {
                left.Add(directory);
            }
        }

        return left;
    }
}

/// <summary>How a container ended.</summary>
/// <param name="Code">Its exit code, or 1 where it could not be made.</param>
/// <param name="Output">What it printed, and what was said about it.</param>
public readonly record struct Outcome(int Code, string Output);
