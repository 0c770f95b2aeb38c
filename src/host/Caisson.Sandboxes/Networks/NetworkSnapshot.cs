using System.Text.Json;

namespace Caisson.Sandboxes;

/// <summary>What is written down of a sandbox's network on the host.</summary>
internal sealed record NetworkSnapshot
{
    internal required NetworkModel Model { get; init; }

    /// <summary>Where the pod's namespace is found; null where only the sandbox's keepers lead to it.</summary>
    internal string? NamespacePath { get; init; }

    /// <summary>The namespace's inode: another one may lie at the path by now.</summary>
    internal required ulong NamespaceId { get; init; }

    /// <summary>Bits in a second towards the guest by each interface; 0 for no bound.</summary>
    internal ulong Inbound { get; init; }

    /// <summary>Bits in a second from the guest by each interface; 0 for no bound.</summary>
    internal ulong Outbound { get; init; }

    internal IReadOnlyList<NetworkAttachment> Interfaces { get; init; } = [];

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("network"u8);
        json.WriteString("model"u8, NetworkModelName.Of(Model));
        if (NamespacePath is not null)
        {
            json.WriteString("namespace"u8, NamespacePath);
        }

        json.WriteNumber("namespaceId"u8, NamespaceId);
        json.WriteNumber("inbound"u8, Inbound);
        json.WriteNumber("outbound"u8, Outbound);
        json.WriteStartArray("interfaces"u8);
        foreach (NetworkAttachment one in Interfaces)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, one.Name);
            json.WriteNumber("index"u8, one.Index);
            json.WriteString("tap"u8, one.Tap);
            json.WriteString("hardwareAddress"u8, one.HardwareAddress);
            json.WriteBoolean("limited"u8, one.IsLimited);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null where a sandbox has none.</summary>
    internal static NetworkSnapshot? Read(JsonElement sandbox)
    {
        if (!sandbox.TryGetProperty("network"u8, out JsonElement network))
        {
            return null;
        }

        var interfaces = new List<NetworkAttachment>();
        foreach (JsonElement one in network.GetProperty("interfaces"u8).EnumerateArray())
        {
            interfaces.Add(new NetworkAttachment(
                Text(one, "name"u8), one.GetProperty("index"u8).GetInt32(), Text(one, "tap"u8), Text(one, "hardwareAddress"u8), one.GetProperty("limited"u8).GetBoolean()));
        }

        return new NetworkSnapshot
        {
            Model = NetworkModelName.Parse(Text(network, "model"u8), "sandbox state"),
            NamespacePath = network.TryGetProperty("namespace"u8, out JsonElement path) ? path.GetString() : null,
            NamespaceId = network.GetProperty("namespaceId"u8).GetUInt64(),
            Inbound = network.GetProperty("inbound"u8).GetUInt64(),
            Outbound = network.GetProperty("outbound"u8).GetUInt64(),
            Interfaces = interfaces,
        };
    }

    private static string Text(JsonElement element, ReadOnlySpan<byte> name) => element.GetProperty(name).GetString() ?? throw new FormatException();
}

/// <summary>An interface of the pod's namespace that leads into the machine.</summary>
/// <param name="Name">Its name there, and in the guest.</param>
/// <param name="Index">Its index: one that was deleted and made anew has another.</param>
/// <param name="Tap">The TAP beside it.</param>
/// <param name="HardwareAddress">By which the guest finds its end.</param>
/// <param name="IsLimited">Whether its own queue was replaced by one that bounds the rate.</param>
internal sealed record NetworkAttachment(string Name, int Index, string Tap, string HardwareAddress, bool IsLimited);
