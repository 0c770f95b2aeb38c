using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>
/// One container for each isolation with much in its configuration, run once: what it saw of that is what the tests look at. (A machine
/// for every setting would take minutes.)
/// </summary>
public sealed class ConfigurationObservations : IDisposable
{
    private const string Script = """
        see() { printf '%s=%s\n' "$1" "$(eval "$2" 2>&1 | tr '\n' ' ' | sed 's/ *$//')"; }
        status() { sed -n "s/^$1:\t//p" /proc/self/status; }
        see hostname 'hostname'
        see domain 'cat /proc/sys/kernel/domainname'
        see user 'id -u; id -g; id -G'
        see cwd 'pwd'
        see env 'echo $COLOUR; echo $PATH'
        see umask 'umask'
        see files 'ulimit -S -n'
        see capeff 'status CapEff'
        see capbnd 'status CapBnd'
        see nonewprivs 'status NoNewPrivs'
        see seccomp 'status Seccomp'
        see oom 'cat /proc/self/oom_score_adj'
        see root 'touch /new'
        see readonly 'cat /ro/greeting; touch /ro/new'
        see writable 'echo written >/rw/file; cat /rw/file'
        see scratch 'echo kept >/scratch/file; cat /scratch/file; mount | grep " /scratch " | grep -o size=[0-9]*k'
        see masked 'cat /etc/secret; ls -A /etc/secrets'
        see kcore 'cat /proc/kcore 2>/dev/null | wc -c'
        see locked 'touch /etc/locked/new'
        see pid 'echo $$'
        see links 'ls /sys/class/net'
        see devices 'for d in null zero full random urandom tty ptmx; do test -c /dev/$d && echo $d; done'
        see fds 'readlink /dev/stdin; readlink /dev/fd'
        see null 'echo x >/dev/null && cat /dev/null | wc -c'
        see symlink 'cat /through/greeting'
        """;

    private readonly Dictionary<Isolation, Lazy<IReadOnlyDictionary<string, string>>> _seen;
    private readonly List<Workplace> _places = [];

    public ConfigurationObservations()
    {
        _seen = Enum.GetValues<Isolation>().ToDictionary(isolation => isolation, isolation => new Lazy<IReadOnlyDictionary<string, string>>(() => Observe(isolation)));
    }

    /// <summary>What a container saw of one part of its configuration; lines are joined by spaces.</summary>
    public string Seen(Isolation isolation, string what) => _seen[isolation].Value[what];

    /// <summary>The bundle that the container was run from.</summary>
    public string PathOf(Isolation isolation) => _places.First(place => place.Isolation == isolation).Path;

    public void Dispose() => _places.ForEach(place => place.Dispose());

    private Dictionary<string, string> Observe(Isolation isolation)
    {
        var place = new Workplace(isolation, static () => false);
        _places.Add(place);
        Configure(place);
        CommandResult result = place.RunBundle();
        result.Expect();
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToDictionary(line => line[..line.IndexOf('=')], line => line[(line.IndexOf('=') + 1)..]);
    }

    private static void Configure(Workplace place)
    {
        Bundle bundle = place.Bundle;
        foreach (string name in new[] { "ro", "rw" })
        {
            Directory.CreateDirectory(Path.Combine(place.Path, name));
            Directory.CreateDirectory(bundle.InRoot(name));
            File.SetUnixFileMode(Path.Combine(place.Path, name), (UnixFileMode)0b111_111_111);
        }

        File.WriteAllText(Path.Combine(place.Path, "ro/greeting"), "hello\n");
        Directory.CreateDirectory(bundle.InRoot("scratch"));
        Directory.CreateDirectory(bundle.InRoot("etc/secrets"));
        Directory.CreateDirectory(bundle.InRoot("etc/locked"));
        File.WriteAllText(bundle.InRoot("etc/secret"), "secret\n");
        File.WriteAllText(bundle.InRoot("etc/secrets/one"), "secret\n");
        // A mount point that leads out of the root file system for whoever follows it on the host.
        File.CreateSymbolicLink(bundle.InRoot("through"), "/../../mnt");
        bundle.Script(Script)
            .Mount("/ro", "bind", Path.Combine(place.Path, "ro"), "rbind", "ro")
            .Mount("/rw", "bind", Path.Combine(place.Path, "rw"), "bind", "rw")
            .Mount("/through", "bind", Path.Combine(place.Path, "ro"), "bind", "ro")
            .Mount("/scratch", "tmpfs", "tmpfs", "nosuid", "mode=1777", "size=1024k")
            .Edit(Edit);
    }

    private static void Edit(JsonObject config)
    {
        JsonObject process = config["process"]!.AsObject();
        process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000, ["umask"] = 0x17, ["additionalGids"] = new JsonArray(10, 20) };
        process["cwd"] = "/tmp";
        process["env"] = new JsonArray("PATH=/bin", "COLOUR=blue");
        process["noNewPrivileges"] = true;
        process["oomScoreAdj"] = 500;
        process["rlimits"] = new JsonArray(new JsonObject { ["type"] = "RLIMIT_NOFILE", ["soft"] = 512, ["hard"] = 1024 });
        process["capabilities"] = new JsonObject
        {
            ["bounding"] = new JsonArray("CAP_KILL", "CAP_CHOWN"),
            ["permitted"] = new JsonArray("CAP_KILL"),
            ["effective"] = new JsonArray("CAP_KILL"),
            ["inheritable"] = new JsonArray("CAP_KILL"),
            ["ambient"] = new JsonArray("CAP_KILL"),
        };
        config["hostname"] = "observer";
        config["domainname"] = "example.org";
        JsonObject linux = config["linux"]!.AsObject();
        linux["maskedPaths"]!.AsArray().Add("/etc/secret");
        linux["maskedPaths"]!.AsArray().Add("/etc/secrets");
        linux["readonlyPaths"]!.AsArray().Add("/etc/locked");
        linux["seccomp"] = JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["swapon"],"action":"SCMP_ACT_ERRNO"}]}""");
    }
}
