using System.Collections;
using System.Runtime.CompilerServices;

namespace Caisson.Oci;

/// <summary>An immutable list of the specification; equal when its items are. Absent in the file is the same as empty.</summary>
[CollectionBuilder(typeof(SpecList), nameof(SpecList.Create))]
public sealed class SpecList<T> : IReadOnlyList<T>, IEquatable<SpecList<T>>
{
    private readonly T[] _items;

    // Takes the array over: the caller keeps no reference.
    internal SpecList(T[] items) => _items = items;

    /// <summary>The list without items.</summary>
    internal static SpecList<T> Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <summary>The items, without a copy.</summary>
    public ReadOnlySpan<T> AsSpan() => _items;

    /// <summary>The items as an array of the caller's own.</summary>
    public T[] ToArray() => [.. _items];

    /// <summary>Is this item in the list?</summary>
    public bool Contains(T item) => Array.IndexOf(_items, item) >= 0;

    /// <summary>Is there an item that passes the test?</summary>
    public bool Any(Predicate<T> test) => Array.Exists(_items, test);

    /// <summary>The items that pass the test, in order.</summary>
    public SpecList<T> Where(Predicate<T> test) => new(Array.FindAll(_items, test));

    /// <summary>Enumerates without allocation.</summary>
    public ArraySegment<T>.Enumerator GetEnumerator() => new ArraySegment<T>(_items).GetEnumerator();

    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(SpecList<T>? other)
    {
        if (other is null || other._items.Length != _items.Length)
        {
            return false;
        }
        for (int i = 0; i < _items.Length; i++)
        {
            if (!EqualityComparer<T>.Default.Equals(_items[i], other._items[i]))
            {
                return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SpecList<T>);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (T item in _items)
        {
            hash.Add(item);
        }
        return hash.ToHashCode();
    }

    /// <summary>The items between brackets, for messages of tests.</summary>
    public override string ToString() => "[" + string.Join(", ", _items) + "]";
}

/// <summary>Makes <see cref="SpecList{T}"/> usable with collection expressions.</summary>
public static class SpecList
{
    /// <summary>Copies the items into a list.</summary>
    public static SpecList<T> Create<T>(ReadOnlySpan<T> items) => items.IsEmpty ? SpecList<T>.Empty : new SpecList<T>(items.ToArray());
}
