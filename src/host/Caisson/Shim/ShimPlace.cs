using System.Globalization;
using System.Text;
using System.Text.Json;
using Caisson.GuestImage;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>Where a shim and what it works with lie on the host.</summary>
internal static class ShimPlace
{
    /// <summary>The file in a bundle that tells containerd, when it starts again, where the container's shim listens.</summary>
    internal const string AddressFile = "address";

    // Where containerd 1.7 notes which sandbox a task was put into.
    private const string SandboxFile = "sandbox";

    private const string Scheme = "unix://";
    private const string Roots = "/run/containerd/caisson";

    /// <summary>The shims' sockets, and those of commands under way.</summary>
    internal const string Sockets = "/run/caisson/shims";

    private const uint OnlyOwner = 0x1C0; // 0700
    private const int HashDigits = 32;

    /// <summary>The records of one of containerd's namespaces.</summary>
    internal static string Root(string containerdNamespace) => $"{Roots}/{containerdNamespace}";

    /// <summary>The records of all of containerd's namespaces, where its configuration names no other place.</summary>
    internal static IReadOnlyList<string> AllRoots() => Directory.Exists(Roots) ? Directory.GetDirectories(Roots) : [];

    /// <summary>A socket, whose path must be short, for a command under way. Its name says whose it is: what a killed shim leaves can be told from what is in use.</summary>
    internal static string ChooseFile(string ending)
    {
        ProcessIdentity self = ProcessIdentity.OfSelf();
        return string.Create(CultureInfo.InvariantCulture, $"{Sockets}/{self.Pid}-{self.StartTimeTicks}-{KernelRandom.Hex(4)}.{ending}");
    }

    /// <summary>A file for a command under way in a container's bundle, with which it goes at the latest.</summary>
    internal static string ChooseFile(string bundle, string ending) => Path.Combine(bundle, $"caisson-{KernelRandom.Hex(4)}.{ending}");

    /// <summary>The address that containerd is told for a socket.</summary>
    internal static string AddressOf(string socket) => Scheme + socket;

    /// <summary>The path in an address of containerd's; null where it is of another kind.</summary>
    internal static string? SocketOf(string address) =>
        address.StartsWith(Scheme, StringComparison.Ordinal) ? address[Scheme.Length..] : address.StartsWith('/') ? address : null;

    /// <summary>The socket of a pod's shim: all containers of the pod, and only they, come to the same name.</summary>
    internal static string SocketFor(ShimCommandLine line, string bundle)
    {
        string pod = SandboxOf(bundle) ?? line.Id;
        string hash = Sha256.Hex(Encoding.UTF8.GetBytes($"{line.Address}\n{line.Namespace}\n{pod}"));
        return $"{Sockets}/{hash[..HashDigits]}.sock";
    }

    internal static void MakeSocketDirectory()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Sockets)!);
        if (!FileCalls.TryMakeDirectory(Sockets, OnlyOwner, out Errno why) && why != Errno.EEXIST)
        {
            throw new SyscallException($"mkdir({Sockets})", why);
        }
    }

    /// <summary>Writes a file for this shim's processes alone.</summary>
    internal static void WriteOwn(string path, ReadOnlySpan<byte> content)
    {
        const uint OwnerMayReadWrite = 0x180; // 0600
        using FileFd file = FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, OwnerMayReadWrite);
        file.WriteAll(content);
    }

    /// <summary>The sandbox that the bundle's configuration names, or containerd's note in it; null for a container by itself.</summary>
    internal static string? SandboxOf(string bundle) =>
        AnnotatedSandboxOf(bundle) ?? (SmallFile.TryReadText(Path.Combine(bundle, SandboxFile), out string id, out _) && id.Length > 0 ? id : null);

    private static string? AnnotatedSandboxOf(string bundle)
    {
        byte[] config;
        try
        {
            config = SmallFile.Read(Path.Combine(bundle, SpecReader.ConfigFileName), SpecLimits.MaxDocumentBytes);
        }
        catch (SyscallException cause) when (cause.Errno == Errno.ENOENT)
        {
            return null;    // the bundle of a sandbox may be without
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(config);
            return document.RootElement.TryGetProperty("annotations", out JsonElement annotations) ? Find(annotations) : null;
        }
        catch (JsonException cause)
        {
            throw new SandboxException($"{bundle}/{SpecReader.ConfigFileName}: is not JSON: {cause.Message}", cause);
        }
    }

    private static string? Find(JsonElement annotations)
    {
        foreach (string name in Annotations.Sandbox)
        {
            if (annotations.ValueKind == JsonValueKind.Object && annotations.TryGetProperty(name, out JsonElement value)
                && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } sandbox)
            {
                return sandbox;
            }
        }

        return null;
    }
}
