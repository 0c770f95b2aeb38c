using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Descriptors by name, at consecutive numbers, on both sides of an execve(2).</summary>
internal sealed class DescriptorTable(int first)
{
    private readonly List<(string Name, FileDescriptor? Descriptor)> _entries = [];
    private readonly Dictionary<string, int> _numbers = [];

    internal int Count => _entries.Count;

    internal void Add(string name, FileDescriptor? descriptor)
    {
        if (descriptor is not null)
        {
            _numbers.Add(name, first + _entries.Count);
            _entries.Add((name, descriptor));
        }
    }

    internal void AddAll(string prefix, IReadOnlyDictionary<int, MountFd> descriptors)
    {
        foreach ((int index, MountFd descriptor) in descriptors)
        {
            Add(prefix + index, descriptor);
        }
    }

    internal void PlaceAll(PreparedClone clone)
    {
        for (int i = 0; i < _entries.Count; i++)
        {
            clone.DuplicateTo(_entries[i].Descriptor!, first + i);
        }
    }

    /// <summary>In the order of their numbers.</summary>
    internal List<FileDescriptor> ToList()
    {
        var list = new List<FileDescriptor>(_entries.Count);
        foreach ((_, FileDescriptor? descriptor) in _entries)
        {
            list.Add(descriptor!);
        }

        return list;
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("descriptors");
        foreach ((string name, int number) in _numbers)
        {
            json.WriteNumber(name, number);
        }

        json.WriteEndObject();
    }

    /// <param name="request">What <see cref="Write"/> wrote.</param>
    /// <param name="received">The descriptors, where they came in a message and the numbers are places in it; null where they are numbers.</param>
    internal static DescriptorTable Read(JsonElement request, IReadOnlyList<FileFd>? received)
    {
        var table = new DescriptorTable(0);
        foreach (JsonProperty entry in request.GetProperty("descriptors").EnumerateObject())
        {
            int number = entry.Value.GetInt32();
            table._numbers.Add(entry.Name, received is null ? number : received[number].Release());
        }

        return table;
    }

    internal T? Find<T>(string name, Func<int, T> adopt)
        where T : FileDescriptor => _numbers.TryGetValue(name, out int number) ? adopt(number) : null;

    internal Dictionary<int, T> FindAll<T>(string prefix, Func<int, T> adopt)
        where T : FileDescriptor
    {
        var found = new Dictionary<int, T>();
        foreach ((string name, int number) in _numbers)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                found.Add(int.Parse(name.AsSpan(prefix.Length)), adopt(number));
            }
        }

        return found;
    }
}
