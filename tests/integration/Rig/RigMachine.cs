using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Rig;

/// <summary>
/// One machine for all tests that need what hosts may lack: cgroup v2 and nothing else, systemd, a kernel that CRIU works on. It is a
/// container of our own in isolation vm, whose init is Debian's systemd; the tests run on the host and send it commands. The executable
/// under test is in its path, and makes containers from the machine's kernel unless told otherwise.
/// </summary>
public sealed class RigMachine : IDisposable
{
    // What CRIU asks sockets and networks by: modules of the guest's kernel, which only systemd's machine would load by itself.
    private const string Modules = "inet_diag tcp_diag udp_diag unix_diag af_packet_diag netlink_diag raw_diag tun veth nf_tables nf_conntrack_netlink";

    // In the cgroup where systemd puts itself, and with controllers passed on, before anything of ours comes: a process that an exec puts
    // beside systemd while it begins would keep it from passing them on.
    private const string Init = """
        mkdir /sys/fs/cgroup/init.scope
        echo $$ >/sys/fs/cgroup/init.scope/cgroup.procs
        until sed 's/[a-z][a-z]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control; do :; done
        exec /lib/systemd/systemd
        """;

    private readonly Lazy<Workplace> _machine;
    private string? _upper;
    private int _lastNumber;

    public RigMachine() => _machine = new Lazy<Workplace>(Boot);

    /// <summary>Runs a shell script in the machine, by <c>caisson exec</c>.</summary>
    public CommandResult Shell(string script) => _machine.Value.Run("exec", _machine.Value.Id, "/bin/bash", "-c", script);

    /// <summary>An id that no other container in the machine has.</summary>
    public string NextId() => $"c{Interlocked.Increment(ref _lastNumber)}";

    /// <summary>Makes a bundle with busybox as its root file system, and returns its path in the machine.</summary>
    /// <param name="name">A name that no other bundle has.</param>
    /// <param name="change">What is to be different from the default configuration.</param>
    public string Bundle(string name, Action<Bundle> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        Bundle bundle = _machine.Value.AnotherBundle(Path.Combine("work", name));
        // Not by way of the host: CRIU wants file systems that the kernel knows by itself.
        bundle.Edit(config => config["root"]!["path"] = "/run/rig/rootfs");
        change(bundle);
        return $"/work/{name}";
    }

    public void Dispose()
    {
        if (_machine.IsValueCreated)
        {
            _machine.Value.Run("delete", "--force", _machine.Value.Id).Expect();
            Unmount();
            _machine.Value.Dispose();
        }
    }

    private Workplace Boot()
    {
        string image = RigImage.Find();
        var place = new Workplace(Isolation.Vm, static () => false);
        try
        {
            Directory.CreateDirectory(Path.Combine(place.Path, "work"));
            Configure(place, Overlay(place, image));
            place.Detach();
            WaitForSystemd(place);
            Prepare(place);
            return place;
        }
        catch
        {
            Unmount();
            place.Abandon();
            throw;
        }
    }

    // The image itself stays as it is.
    private string Overlay(Workplace place, string image)
    {
        string root = Path.Combine(place.Path, "root-of-rig");
        foreach (string part in (string[])["upper", "work", "root"])
        {
            Directory.CreateDirectory(Path.Combine(root, part));
        }

        Tool("/bin/mount", "-t", "overlay", "overlay", "-o", $"lowerdir={image},upperdir={root}/upper,workdir={root}/work", $"{root}/root");
        _upper = $"{root}/root";
        return _upper;
    }

    private void Unmount()
    {
        if (_upper is { } mounted)
        {
            _upper = null;
            Tool("/bin/umount", "-l", mounted);
        }
    }

    private static void Configure(Workplace place, string root)
    {
        string[] capabilities = [.. Enum.GetValues<Capability>().Select(capability => capability.Name())];
        place.Bundle.Edit(config =>
        {
            JsonObject process = config["process"]!.AsObject();
            process["args"] = new JsonArray("/bin/bash", "-ec", Init);
            process["env"] = new JsonArray("PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=oci", "CAISSON_ISOLATION=namespaces", "TERM=dumb");
            process["noNewPrivileges"] = false;
            process["rlimits"] = new JsonArray();
            foreach (string set in (string[])["bounding", "effective", "permitted"])
            {
                process["capabilities"]![set] = new JsonArray([.. capabilities.Select(name => (JsonNode)name)]);
            }

            config["root"] = new JsonObject { ["path"] = root, ["readonly"] = false };
            config["hostname"] = "rig";
            JsonObject linux = config["linux"]!.AsObject();
            linux["maskedPaths"] = new JsonArray();
            linux["readonlyPaths"] = new JsonArray();
            linux["resources"] = new JsonObject
            {
                ["devices"] = new JsonArray(new JsonObject { ["allow"] = true, ["access"] = "rwm" }),
                ["memory"] = new JsonObject { ["limit"] = 512L << 20 },
            };
            foreach (JsonObject mount in config["mounts"]!.AsArray().Select(node => node!.AsObject()).Where(mount => (string?)mount["type"] is "sysfs" or "cgroup"))
            {
                mount["options"] = new JsonArray("nosuid", "noexec", "nodev");
            }
        });
        place.Bundle.Mount("/run", "tmpfs", "tmpfs", "mode=755").Mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
            .Mount("/work", "bind", Path.Combine(place.Path, "work"), "bind", "rw")
            .Mount("/usr/local/bin/caisson", "bind", Executable.Path, "bind", "ro");
    }

    private static void WaitForSystemd(Workplace place)
    {
        CommandResult? last = null;
        Deadline.Wait(
            "systemd in the machine",
            () => (last = place.Run("exec", place.Id, "systemctl", "is-system-running", "--wait")).Output.Trim() is "running" or "degraded",
            () => $"{last}");
    }

    private static void Prepare(Workplace place) =>
        place.Run("exec", place.Id, "/bin/bash", "-ec", $$"""
            for module in {{Modules}}; do modprobe $module; done
            mkdir -p /run/rig/rootfs/{bin,dev,etc,proc,sys,tmp,run,root,mnt,sys/fs/cgroup}
            cp /bin/busybox /run/rig/rootfs/bin/
            for applet in $(/bin/busybox --list); do [ -e /run/rig/rootfs/bin/$applet ] || ln -s busybox /run/rig/rootfs/bin/$applet; done
            printf 'root:x:0:0:root:/root:/bin/sh\n' >/run/rig/rootfs/etc/passwd
            """).Expect();

    private static void Tool(string program, params string[] arguments)
    {
        using RunningCommand command = RunningCommand.Start(program, arguments);
        command.CloseInput().Wait().Expect();
    }
}

/// <summary>The tests that share the machine.</summary>
[CollectionDefinition(Name)]
public sealed class RigCollection : ICollectionFixture<RigMachine>
{
    internal const string Name = "rig";
}
