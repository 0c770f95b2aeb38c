using System.Collections;
using System.Globalization;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The configuration of a container that <c>do</c> runs.</summary>
internal static class DoSpec
{
    // Ids that no distribution gives to anybody, and subordinate ids (from 100000 up, 65536 for each user) do not reach.
    private const uint FirstMappedId = 0x7FFF_0000;
    private const uint MappedIds = 65536;

    // Of the machine's memory.
    private const string DefaultSize = "25%";

    // Docker's list, less what makes nodes or raw packets: enough for what root does with files.
    private static readonly SpecList<string> s_rootCapabilities =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_SETFCAP",
        "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_AUDIT_WRITE",
    ];

    private static readonly SpecList<string> s_readingCapabilities = ["CAP_DAC_READ_SEARCH"];

    internal static OciSpec Build(Invocation invocation, DoIdentity identity, Isolation isolation)
    {
        OciSpec standard = DefaultSpec.Create(rootless: false);
        SpecList<LinuxIdMapping> map = identity.IsMapped ? [new LinuxIdMapping { ContainerId = 0, HostId = FirstMappedId, Size = MappedIds }] : [];
        return standard with
        {
            Hostname = null,
            Root = new OciRoot { Path = "root", Readonly = invocation.Flags.IsSet("ro") },
            Mounts = [.. OwnMounts(standard.Mounts, withSysfs: isolation == Isolation.Namespaces || !identity.IsMapped), Memory("/tmp", "mode=1777"), Memory("/run", "mode=755")],
            Process = Process(invocation, identity),
            Linux = standard.Linux! with
            {
                UidMappings = map,
                GidMappings = map,
                Namespaces = identity.IsMapped
                    ? [.. standard.Linux!.Namespaces, new LinuxNamespace { Type = "user" }, new LinuxNamespace { Type = "cgroup" }]
                    : [.. standard.Linux!.Namespaces, new LinuxNamespace { Type = "cgroup" }],
            },
        };
    }

    /// <summary>How much may be written, as tmpfs takes it: as said, or a quarter of the machine's memory.</summary>
    internal static string Size(Invocation invocation)
    {
        if (invocation.Flags.Text("size") is not { Length: > 0 } text)
        {
            return DefaultSize;
        }

        return SizeText.TryParse(text, out long bytes) && bytes > 0
            ? bytes.ToString(CultureInfo.InvariantCulture)
            : throw new SandboxException($"--size {text}: expected a size such as 512M");
    }

    private static OciProcess Process(Invocation invocation, DoIdentity identity)
    {
        OciProcess standard = DefaultSpec.Create(rootless: false).Process!;
        SpecList<string> capabilities = identity.UserId == 0 ? s_rootCapabilities : identity.ReadsAll ? s_readingCapabilities : [];
        return standard with
        {
            Terminal = StandardStreamsAreTerminals(),
            Args = [.. invocation.Arguments],
            Env = Variables(),
            Cwd = WorkingDirectory(invocation, identity),
            User = new OciUser { Uid = identity.UserId, Gid = identity.GroupId, AdditionalGids = [.. identity.Groups] },
            Rlimits = [],
            Capabilities = new OciCapabilities
            {
                Bounding = capabilities,
                Permitted = capabilities,
                Effective = capabilities,
                Inheritable = identity.UserId == 0 ? [] : capabilities,
                Ambient = identity.UserId == 0 ? [] : capabilities,
            },
        };
    }

    // The host's cgroups are nobody's business inside. A sysfs can be mounted by the owner of a network namespace only, and in a machine
    // the container has the machine's.
    private static IEnumerable<OciMount> OwnMounts(SpecList<OciMount> standard, bool withSysfs)
    {
        foreach (OciMount mount in standard.ToArray())
        {
            if (mount.Type != "cgroup" && (withSysfs || mount.Type != "sysfs"))
            {
                yield return mount;
            }
        }
    }

    private static OciMount Memory(string destination, string mode) => new()
    {
        Destination = destination,
        Type = "tmpfs",
        Source = "tmpfs",
        Options = ["nosuid", "nodev", mode, "size=" + DefaultSize],
    };

    private static bool StandardStreamsAreTerminals()
    {
        for (int number = 0; number <= 2; number++)
        {
            FileFd stream = FileFd.FromNumber(number);
            bool terminal = Terminal.IsTerminal(stream);
            stream.Release();
            if (!terminal)
            {
                return false;
            }
        }

        return true;
    }

    // A directory that is hidden from the command cannot be its working directory; that must not keep it from running.
    private static string WorkingDirectory(Invocation invocation, DoIdentity identity)
    {
        string here = Environment.CurrentDirectory;
        for (string? directory = here; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (!identity.MayEnter(FileCalls.Stat(directory)))
            {
                invocation.Log.Warning($"do: {directory} is not for this user to enter, so the command runs in /; --all-files shows it");
                return "/";
            }
        }

        return here.StartsWith("/tmp/", StringComparison.Ordinal) || here.StartsWith("/run/", StringComparison.Ordinal) ? OwnTree(invocation, here) : here;
    }

    private static string OwnTree(Invocation invocation, string here)
    {
        invocation.Log.Warning($"do: {here} is not in the sandbox, whose /tmp and /run are its own; the command runs in /");
        return "/";
    }

    private static SpecList<string> Variables()
    {
        var variables = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            // Ours are for us: a caisson inside would otherwise be told what this one was.
            if (variable.Key is string name && !name.StartsWith("CAISSON_", StringComparison.Ordinal))
            {
                variables.Add($"{name}={variable.Value}");
            }
        }

        return [.. variables];
    }
}
