using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Caisson.Oci;

/// <summary>
/// An immutable map with text keys, in the order of the file; equal when it holds the same pairs, in whatever order.
/// Absent in the file is the same as empty.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "The pair of SpecList.")]
public sealed class SpecMap<T> : IReadOnlyDictionary<string, T>, IEquatable<SpecMap<T>>
{
    private readonly OrderedDictionary<string, T> _pairs;

    // Takes the dictionary over: the caller keeps no reference.
    internal SpecMap(OrderedDictionary<string, T> pairs) => _pairs = pairs;

    /// <summary>Copies the pairs; a key that comes twice is refused.</summary>
    /// <exception cref="ArgumentException">A key comes twice.</exception>
    public SpecMap(IEnumerable<KeyValuePair<string, T>> pairs) => _pairs = new(pairs, StringComparer.Ordinal);

    /// <summary>The map without pairs.</summary>
    internal static SpecMap<T> Empty { get; } = new(new OrderedDictionary<string, T>(StringComparer.Ordinal));

    /// <inheritdoc/>
    public int Count => _pairs.Count;

    /// <inheritdoc/>
    public T this[string key] => _pairs[key];

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _pairs.Keys;

    /// <inheritdoc/>
    public IEnumerable<T> Values => _pairs.Values;

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _pairs.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out T value) => _pairs.TryGetValue(key, out value);

    /// <summary>The value under this key, or the type's default.</summary>
    public T? Find(string key) => _pairs.TryGetValue(key, out T? value) ? value : default;

    /// <summary>A copy with one pair added or replaced.</summary>
    public SpecMap<T> With(string key, T value) =>
        new(new OrderedDictionary<string, T>(_pairs, StringComparer.Ordinal) { [key] = value });

    /// <summary>The pairs whose keys pass the test, in order.</summary>
    public SpecMap<T> Where(Predicate<string> test)
    {
        var passed = new OrderedDictionary<string, T>(StringComparer.Ordinal);
        foreach (KeyValuePair<string, T> pair in _pairs)
        {
            if (test(pair.Key))
            {
                passed.Add(pair.Key, pair.Value);
            }
        }

        return new SpecMap<T>(passed);
    }

    /// <summary>Enumerates without allocation.</summary>
    public OrderedDictionary<string, T>.Enumerator GetEnumerator() => _pairs.GetEnumerator();

    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() => _pairs.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _pairs.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(SpecMap<T>? other)
    {
        if (other is null || other.Count != Count)
        {
            return false;
        }
        foreach (KeyValuePair<string, T> pair in _pairs)
        {
            if (!other._pairs.TryGetValue(pair.Key, out T? value) || !EqualityComparer<T>.Default.Equals(pair.Value, value))
            {
                return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SpecMap<T>);

    // The order of pairs does not count, so neither may it in the hash.
    /// <inheritdoc/>
    public override int GetHashCode()
    {
        int hash = Count;
        foreach (KeyValuePair<string, T> pair in _pairs)
        {
            hash ^= HashCode.Combine(pair.Key, pair.Value);
        }
        return hash;
    }
}

/// <summary>Makes maps of the specification.</summary>
public static class SpecMap
{
    /// <summary>The map without pairs.</summary>
    public static SpecMap<T> Empty<T>() => SpecMap<T>.Empty;
}
