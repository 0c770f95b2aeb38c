using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>Makes an image as an archive of an OCI layout (image-spec, image-layout.md) from a directory: one layer, no registry.</summary>
internal static class ImageLayout
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>Writes the archive.</summary>
    /// <param name="rootfs">The root file system.</param>
    /// <param name="name">The image's full name.</param>
    /// <param name="archive">The file to write.</param>
    /// <param name="command">What its containers run where nothing else is said.</param>
    internal static void Write(string rootfs, string name, string archive, params string[] command)
    {
        var blobs = new Dictionary<string, byte[]>();
        byte[] layer = Pack(rootfs);
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = Describe("application/vnd.oci.image.config.v1+json", Add(blobs, Configuration(layer, command)), blobs),
            ["layers"] = new JsonArray(Describe("application/vnd.oci.image.layer.v1.tar", Add(blobs, layer), blobs)),
        };
        JsonObject entry = Describe(ManifestType, Add(blobs, Encoding.UTF8.GetBytes(manifest.ToJsonString())), blobs);
        entry["annotations"] = new JsonObject { ["io.containerd.image.name"] = name };
        var index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(entry) };

        using var writer = new TarWriter(File.Create(archive), TarEntryFormat.Ustar);
        WriteFile(writer, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
        WriteFile(writer, "index.json", Encoding.UTF8.GetBytes(index.ToJsonString()));
        foreach ((string digest, byte[] content) in blobs)
        {
            WriteFile(writer, $"blobs/sha256/{digest}", content);
        }
    }

    private static byte[] Pack(string rootfs)
    {
        using var packed = new MemoryStream();
        TarFile.CreateFromDirectory(rootfs, packed, includeBaseDirectory: false);
        return packed.ToArray();
    }

    private static byte[] Configuration(byte[] layer, string[] command) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["architecture"] = "amd64",
        ["os"] = "linux",
        ["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/bin"), ["Cmd"] = new JsonArray([.. command.Select(word => (JsonNode)word)]) },
        ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray($"sha256:{Digest(layer)}") },
    }.ToJsonString());

    private static string Add(Dictionary<string, byte[]> blobs, byte[] content)
    {
        string digest = Digest(content);
        blobs[digest] = content;
        return digest;
    }

    private static JsonObject Describe(string type, string digest, Dictionary<string, byte[]> blobs) =>
        new() { ["mediaType"] = type, ["digest"] = $"sha256:{digest}", ["size"] = blobs[digest].Length };

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static void WriteFile(TarWriter writer, string name, byte[] content) =>
        writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
}
