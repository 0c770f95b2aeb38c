using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caisson.Fuzz;

/// <summary>A JSON document: values are replaced, moved, doubled and nested, so that most inputs get past the first reader.</summary>
internal sealed class JsonShape : IShape
{
    private static readonly JsonDocumentOptions s_reading = new() { MaxDepth = 512 };
    private static readonly JsonSerializerOptions s_writing = new() { MaxDepth = 1024 };

    internal static JsonShape Instance { get; } = new();

    public byte[] Mutate(byte[] input, byte[] other, IReadOnlyList<byte[]> words, Random random)
    {
        if (random.Next(4) == 0 || TryParse(input) is not { } root)
        {
            return ByteShape.Instance.Mutate(input, other, words, random);
        }

        try
        {
            for (int changes = 1 << random.Next(4); changes > 0; changes--)
            {
                Change(root, other, words, random);
            }

            return Encoding.UTF8.GetBytes(root.ToJsonString(s_writing));
        }
        catch (Exception unfit) when (unfit is ArgumentException or InvalidOperationException or JsonException)
        {
            // Names that come twice, or that are no Unicode, can be read but not edited.
            return ByteShape.Instance.Mutate(input, other, words, random);
        }
    }

    private static JsonNode? TryParse(byte[] input)
    {
        try
        {
            return JsonNode.Parse(input, documentOptions: s_reading) is { } root and (JsonObject or JsonArray) ? root : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Change(JsonNode root, byte[] other, IReadOnlyList<byte[]> words, Random random)
    {
        var places = new List<JsonNode>();
        Collect(root, places);
        JsonNode place = places[random.Next(places.Count)];
        JsonNode? value = random.Next(3) == 0 ? Borrowed(places, other, random) : Odd(words, random);
        if (place is JsonObject fields)
        {
            ChangeObject(fields, value, words, random);
        }
        else if (place is JsonArray items)
        {
            ChangeArray(items, value, random);
        }
    }

    private static void ChangeObject(JsonObject fields, JsonNode? value, IReadOnlyList<byte[]> words, Random random)
    {
        if (fields.Count == 0 || random.Next(6) == 0)
        {
            fields[Word(words, random)] = value;
            return;
        }

        string key = fields.ElementAt(random.Next(fields.Count)).Key;
        if (random.Next(5) == 0)
        {
            fields.Remove(key);
        }
        else
        {
            fields[key] = value;
        }
    }

    private static void ChangeArray(JsonArray items, JsonNode? value, Random random)
    {
        if (items.Count > 0 && random.Next(4) == 0)
        {
            items.RemoveAt(random.Next(items.Count));
        }
        else if (items.Count > 0 && random.Next(2) == 0)
        {
            items[random.Next(items.Count)] = value;
        }
        else
        {
            items.Insert(random.Next(items.Count + 1), value);
        }
    }

    private static JsonNode? Borrowed(List<JsonNode> places, byte[] other, Random random)
    {
        if (random.Next(2) == 0 && TryParse(other) is { } foreign)
        {
            places = [];
            Collect(foreign, places);
        }

        return places[random.Next(places.Count)].DeepClone();
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

    private static string Word(IReadOnlyList<byte[]> words, Random random) =>
        words.Count == 0 ? "x" : Encoding.UTF8.GetString(words[random.Next(words.Count)]);

    private static JsonNode? Odd(IReadOnlyList<byte[]> words, Random random) => random.Next(18) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => -1,
        3 => 0.5,
        4 => ulong.MaxValue,
        5 => long.MinValue,
        6 => "",
        7 => "../../\u0000",
        8 => new string('x', 1 << random.Next(12)),
        9 => new JsonObject(),
        10 => new JsonArray(),
        11 => 1e300,
        12 => "\u202e\u001b[2J\n",
        13 => random.Next(),
        14 => "/proc/self/fd/" + random.Next(10),
        _ => Word(words, random),
    };
}
