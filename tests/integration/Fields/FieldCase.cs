using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Fields;

/// <summary>One field of config.json, and what a container sees of it. Cases of a batch share one container for each isolation.</summary>
/// <param name="Field">The field's path in docs/compatibility.md.</param>
/// <param name="Batch">Which container.</param>
/// <param name="Config">What the case adds to the configuration; lists are appended. <c>{place}</c> is the test's directory, <c>{name}</c> its name.</param>
/// <param name="Probe">A script inside; its output, lines joined by spaces, is compared.</param>
/// <param name="Namespaces">What is to be seen in namespaces; null where the case does not apply.</param>
/// <param name="Vm">What is to be seen in a machine.</param>
internal sealed record FieldCase(string Field, string Batch, string Config, string Probe, string? Namespaces, string? Vm)
{
    internal string? Expected(Isolation isolation) => isolation == Isolation.Vm ? Vm : Namespaces;
}

/// <summary>One field whose value must be refused.</summary>
/// <param name="Field">The field's path in docs/compatibility.md.</param>
/// <param name="Config">What asks for it.</param>
/// <param name="Namespaces">A part of the error in namespaces; null where it is not refused.</param>
/// <param name="Vm">A part of the error in a machine.</param>
internal sealed record RefusedCase(string Field, string Config, string? Namespaces, string? Vm)
{
    internal string? Expected(Isolation isolation) => isolation == Isolation.Vm ? Vm : Namespaces;
}

/// <summary>Adds one configuration to another.</summary>
internal static class ConfigMerge
{
    internal static void Add(JsonObject into, JsonObject from)
    {
        foreach ((string name, JsonNode? value) in from)
        {
            switch (value, into[name])
            {
                case (JsonObject inner, JsonObject present):
                    Add(present, inner);
                    break;
                case (JsonArray items, JsonArray present):
                    foreach (JsonNode? item in items)
                    {
                        present.Add(item!.DeepClone());
                    }

                    break;
                default:
                    into[name] = value!.DeepClone();
                    break;
            }
        }
    }
}
