using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Caisson.Oci;
using Caisson.Tests;

namespace Caisson.UnitTests.Oci;

/// <summary>Good documents, damaged at random from a fixed seed: whatever comes out is read or refused, never a crash.</summary>
public sealed class SpecMutationTests
{
    private const int Cases = 1500;

    [Fact]
    public void Structural_damage_is_read_or_refused()
    {
        var random = new Random(20250101);
        for (int i = 0; i < Cases; i++)
        {
            JsonNode root = JsonNode.Parse(RichSpec.Json)!;
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                Damage(root, random);
            }
            ReadOrRefuse(Encoding.UTF8.GetBytes(root.ToJsonString()), i);
        }
    }

    [Fact]
    public void Damaged_bytes_are_read_or_refused()
    {
        var random = new Random(20250102);
        for (int i = 0; i < Cases; i++)
        {
            byte[] document = RichSpec.Bytes;
            for (int changes = random.Next(1, 6); changes > 0; changes--)
            {
                document[random.Next(document.Length)] = (byte)random.Next(256);
            }
            ReadOrRefuse(document.AsSpan(0, random.Next(4) == 0 ? random.Next(document.Length) : document.Length), i);
        }
    }

    private static void ReadOrRefuse(ReadOnlySpan<byte> document, int number)
    {
        try
        {
            OciSpec spec = SpecReader.Parse(document, "config.json");
            Assert.Equal(spec, SpecReader.Parse(SpecWriter.Write(spec), "config.json"));
            Assert.NotNull(SpecValidator.Validate(spec));
        }
        catch (SpecException refused)
        {
            Assert.StartsWith("config.json: ", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refused.Message);
        }
        catch (Exception crash) when (crash is not Xunit.Sdk.XunitException)
        {
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"case {number}: {crash}\n{Encoding.UTF8.GetString(document)}"));
        }
    }

    private static void Damage(JsonNode root, Random random)
    {
        var places = new List<JsonNode>();
        Collect(root, places);
        JsonNode place = places[random.Next(places.Count)];
        if (place is JsonObject fields && fields.Count > 0)
        {
            string key = fields.ElementAt(random.Next(fields.Count)).Key;
            switch (random.Next(3))
            {
                case 0: fields.Remove(key); break;
                case 1: fields[key] = Odd(random); break;
                default: fields["x" + key] = Odd(random); break;
            }
        }
        else if (place is JsonArray items)
        {
            items.Insert(random.Next(items.Count + 1), Odd(random));
        }
    }

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is JsonObject fields)
        {
            places.Add(node);
            foreach (KeyValuePair<string, JsonNode?> field in fields)
            {
                Collect(field.Value, places);
            }
        }
        else if (node is JsonArray items)
        {
            places.Add(node);
            foreach (JsonNode? item in items)
            {
                Collect(item, places);
            }
        }
    }

    private static JsonNode? Odd(Random random) => random.Next(12) switch
    {
        0 => null,
        1 => true,
        2 => -1,
        3 => 0.5,
        4 => ulong.MaxValue,
        5 => long.MinValue,
        6 => "",
        7 => "../../\u0000",
        8 => new string('x', 300),
        9 => new JsonObject { ["type"] = "pid" },
        10 => new JsonArray(1, "a", null),
        _ => new JsonArray(new JsonObject(), new JsonObject { ["path"] = "relative", ["type"] = 7 }),
    };
}
