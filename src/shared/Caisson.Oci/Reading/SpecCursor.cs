using System.Text;
using System.Text.Json;

namespace Caisson.Oci;

internal delegate T ReadItem<T>(ref SpecCursor at);

/// <summary>What is known of the object being read: where it began and which of the fields asked for were seen.</summary>
internal ref struct ObjectFields
{
    internal long Start;
    internal int Depth;
    internal ulong Seen;
    internal int Asked;
}

/// <summary>
/// Walks one document. Objects are read as a loop over <see cref="Next"/> with a chain of <see cref="Is"/>: the place of
/// a field in that chain is also its bit in the set of seen fields, so the chain has at most 64 links and the required
/// fields come first (see <see cref="RequireFirst"/>). A field that is null is a field that is absent, as in Go.
/// </summary>
internal ref struct SpecCursor
{
    internal static readonly JsonReaderOptions JsonOptions = new() { MaxDepth = SpecLimits.MaxDepth };

    private readonly ReadOnlySpan<byte> _document;
    private readonly string _file;
    private Utf8JsonReader _json;
    private ReadOnlySpan<byte> _field;
    private long _fieldStart;

    internal SpecCursor(ReadOnlySpan<byte> document, string file)
    {
        _document = document;
        _file = file;
        _json = new Utf8JsonReader(document, JsonOptions);
        _json.Read();
    }

    /// <summary>Nothing but white space may follow the document; the JSON reader throws where something does.</summary>
    internal void End() => _json.Read();

    internal ObjectFields Object()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw Unexpected("an object");
        }
        return new ObjectFields { Start = _json.TokenStartIndex, Depth = _json.CurrentDepth };
    }

    /// <summary>Moves to the value of the next field that is not null; false at the end of the object.</summary>
    internal bool Next(ref ObjectFields fields)
    {
        fields.Asked = 0;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            _fieldStart = _json.TokenStartIndex;
            _field = _json.ValueIsEscaped ? Encoding.UTF8.GetBytes(Text()) : _json.ValueSpan;
            _json.Read();
            if (_json.TokenType != JsonTokenType.Null)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Is the field this one? A field that comes twice is refused: two readers could take different ones.</summary>
    internal readonly bool Is(ref ObjectFields fields, ReadOnlySpan<byte> name)
    {
        ulong bit = 1UL << fields.Asked++;
        if (!_field.SequenceEqual(name))
        {
            return false;
        }
        if ((fields.Seen & bit) != 0)
        {
            throw new SpecException(_file, JsonPath.At(_document, _fieldStart), "one value", "the field a second time");
        }
        fields.Seen |= bit;
        return true;
    }

    /// <summary>Demands the fields that the chain of <see cref="Is"/> asks for first, in that order.</summary>
    internal readonly void RequireFirst(in ObjectFields fields, params ReadOnlySpan<string> names)
    {
        for (int i = 0; i < names.Length; i++)
        {
            if ((fields.Seen & (1UL << i)) == 0)
            {
                string path = JsonPath.Join(JsonPath.At(_document, fields.Start), names[i]);
                throw new SpecException(_file, path, "a value (the field is required)", "none");
            }
        }
    }

    /// <summary>Passes over a field that is not known: the specification wants those ignored.</summary>
    internal void Skip() => _json.Skip();

    internal string String()
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            throw Unexpected("a string");
        }
        string text = Text();
        // Every text ends as a C string or a line for the kernel, where NUL would silently cut it.
        return text.Contains('\0') ? throw Unexpected("a string without NUL") : text;
    }

    /// <summary>A text whose empty form means the same as its absence.</summary>
    internal string? OptionalString() => String() is { Length: > 0 } text ? text : null;

    internal readonly bool Bool() => _json.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Unexpected("true or false"),
    };

    internal readonly int Int32() =>
        IsNumber && _json.TryGetInt32(out int value) ? value : throw Unexpected("a whole number of 32 bits");

    internal readonly long Int64() =>
        IsNumber && _json.TryGetInt64(out long value) ? value : throw Unexpected("a whole number of 64 bits");

    internal readonly ushort UInt16() =>
        IsNumber && _json.TryGetUInt16(out ushort value) ? value : throw Unexpected("a whole number from 0 to 65535");

    internal readonly uint UInt32() =>
        IsNumber && _json.TryGetUInt32(out uint value) ? value : throw Unexpected("a whole number from 0 to 4294967295");

    internal readonly ulong UInt64() =>
        IsNumber && _json.TryGetUInt64(out ulong value) ? value : throw Unexpected("a whole number from 0 to 18446744073709551615");

    internal SpecList<string> Strings() => List(static (ref SpecCursor at) => at.String());

    internal SpecList<uint> Numbers() => List(static (ref SpecCursor at) => at.UInt32());

    internal SpecList<T> List<T>(ReadItem<T> readItem)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            throw Unexpected("an array");
        }
        T[] items = [];
        int count = 0;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (count == items.Length)
            {
                Array.Resize(ref items, Math.Max(4, count * 2));
            }
            items[count++] = readItem(ref this);
        }
        if (count == 0)
        {
            return SpecList<T>.Empty;
        }
        Array.Resize(ref items, count);
        return new SpecList<T>(items);
    }

    internal SpecMap<string> StringMap() => Map(static (ref SpecCursor at) => at.String());

    internal SpecMap<T> Map<T>(ReadItem<T> readValue)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw Unexpected("an object");
        }
        OrderedDictionary<string, T>? pairs = null;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            long start = _json.TokenStartIndex;
            string key = Text();
            if (key.Contains('\0'))
            {
                throw Unexpected("a key without NUL");
            }
            _json.Read();
            pairs ??= new OrderedDictionary<string, T>(StringComparer.Ordinal);
            if (!pairs.TryAdd(key, readValue(ref this)))
            {
                throw new SpecException(_file, JsonPath.At(_document, start), "one value", "the key a second time");
            }
        }
        return pairs is null ? SpecMap<T>.Empty : new SpecMap<T>(pairs);
    }

    private readonly bool IsNumber => _json.TokenType == JsonTokenType.Number;

    // The document was checked to be UTF-8; what can still be wrong is half a surrogate pair, written as an escape.
    private readonly string Text()
    {
        try
        {
            return _json.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            throw Unexpected("text of whole characters", "half a surrogate pair");
        }
    }

    private readonly SpecException Unexpected(string expected) => Unexpected(expected, Found());

    private readonly SpecException Unexpected(string expected, string found) =>
        new(_file, JsonPath.At(_document, _json.TokenStartIndex), expected, found);

    private readonly string Found() => _json.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String or JsonTokenType.PropertyName => Quoted.Text(Text()),
        JsonTokenType.Number => "the number " + Encoding.UTF8.GetString(_json.ValueSpan[..Math.Min(_json.ValueSpan.Length, SpecLimits.MaxQuotedChars)]),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.Null => "null",
        _ => "nothing",
    };
}
