using System.Text.Json;

namespace Caisson.Oci;

/// <summary>The specification's habit of leaving out what is not set, as additions to the JSON writer.</summary>
internal static class JsonWriting
{
    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, bool? value)
    {
        if (value is { } known)
        {
            json.WriteBoolean(name, known);
        }
    }

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
    }

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ulong? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
    }

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, uint? value) =>
        json.WriteOptional(name, (ulong?)value);

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, int? value) =>
        json.WriteOptional(name, (long?)value);

    internal static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ushort? value) =>
        json.WriteOptional(name, (ulong?)value);

    internal static void WriteIfSet(this Utf8JsonWriter json, ReadOnlySpan<byte> name, bool value)
    {
        if (value)
        {
            json.WriteBoolean(name, true);
        }
    }

    internal static void WriteUnlessZero(this Utf8JsonWriter json, ReadOnlySpan<byte> name, long value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }

    internal static void WriteUnlessZero(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ulong value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }

    internal static void WriteStrings(this Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecList<string> items, bool evenEmpty = false)
    {
        if (items.Count == 0 && !evenEmpty)
        {
            return;
        }
        json.WriteStartArray(name);
        foreach (string item in items)
        {
            json.WriteStringValue(item);
        }
        json.WriteEndArray();
    }

    internal static void WriteNumbers(this Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecList<uint> items)
    {
        if (items.Count == 0)
        {
            return;
        }
        json.WriteStartArray(name);
        foreach (uint item in items)
        {
            json.WriteNumberValue(item);
        }
        json.WriteEndArray();
    }

    internal static void WriteStringMap(this Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecMap<string> pairs)
    {
        if (pairs.Count == 0)
        {
            return;
        }
        json.WriteStartObject(name);
        foreach (KeyValuePair<string, string> pair in pairs)
        {
            json.WriteString(pair.Key, pair.Value);
        }
        json.WriteEndObject();
    }

    internal static void WriteList<T>(this Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecList<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count == 0)
        {
            return;
        }
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            write(json, item);
        }
        json.WriteEndArray();
    }

    internal static void WriteMap<T>(this Utf8JsonWriter json, ReadOnlySpan<byte> name, SpecMap<T> pairs, Action<Utf8JsonWriter, T> write)
    {
        if (pairs.Count == 0)
        {
            return;
        }
        json.WriteStartObject(name);
        foreach (KeyValuePair<string, T> pair in pairs)
        {
            json.WritePropertyName(pair.Key);
            write(json, pair.Value);
        }
        json.WriteEndObject();
    }

    internal static void WriteObject<T>(this Utf8JsonWriter json, ReadOnlySpan<byte> name, T? value, Action<Utf8JsonWriter, T> write)
        where T : class
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            write(json, value);
        }
    }
}
