using System.Text;
using Caisson.Protocol;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using OciSpecMessage = Caisson.Protocol.Wire.Spec;

namespace Caisson.UnitTests.Removed;

/// <summary>Each method makes one call that must not be in <c>src/</c>; none of them is ever run.</summary>
internal static class BadCalls
{
    internal static object Clones(OOMEvent message) => message.Clone();

    internal static void Merges(OOMEvent message, OOMEvent other) => message.MergeFrom(other);

    internal static bool Equals(OOMEvent message, OOMEvent other) => message.Equals(other);

    internal static bool EqualsAnObject(OOMEvent message, object other) => message.Equals(other);

    internal static bool EqualsByTheClassLibrary(object one, OOMEvent message) => object.Equals(one, message);

    internal static bool EqualsByTheInterface<T>(T one, T other) where T : IMessage<T> => one.Equals(other);

    internal static T ClonesByTheInterface<T>(T message) where T : IMessage<T> => message.Clone();

    internal static int Hashes(OOMEvent[] messages) => messages[0].GetHashCode();

    internal static bool IsKey(Dictionary<OOMEvent, int> counts, OOMEvent message) => counts.ContainsKey(message);

    internal static bool IsSought(RepeatedField<Storage> storages, Storage storage) => storages.Contains(storage);

    internal static bool IsSoughtInAList(List<Storage> storages, Storage storage) => storages.Remove(storage);

    internal static bool IsSoughtInAnArray(Storage[] storages, Storage storage) => Array.IndexOf(storages, storage) >= 0;

    internal static object CopiesTheField(CreateContainerRequest request) => request.Storages.Clone();

    internal static string Prints(OOMEvent message) => message.ToString();

    internal static string? PrintsAField(CreateContainerRequest request) => request.Oci?.ToString();

    internal static string PrintsACollection(CreateContainerRequest request) => request.Storages.ToString();

    internal static string PrintsInterpolated(OOMEvent message) => $"got {message}";

    internal static string PrintsConcatenated(OOMEvent message, string text) => text + message;

    internal static string PrintsByTheBuilder(OOMEvent message) => new StringBuilder().Append(message).ToString();

    internal static string PrintsWellKnown(Timestamp time) => time.ToString();

    internal static async Task<string> PrintsWhatWasAwaited(Task<OOMEvent> answer) => (await answer).ToString();

    internal static string PrintsEither(bool first, OOMEvent one, OOMEvent other) => (first ? one : other).ToString();

    internal static Func<OOMEvent> PassesTheMethod(OOMEvent message) => message.Clone;

    internal static object ListsKeys(OciSpecMessage spec) => spec.Annotations.Keys;

    internal static DateTime AsksForTheLocalTime() => DateTime.Now;

    internal static DateTime ConvertsToTheLocalTime(DateTimeOffset time) => time.LocalDateTime;

    internal static DateTime ReadsATimeOfNoFormat(string text) => DateTime.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    internal static int CountsInALambda(List<OOMEvent> messages) => messages.FindIndex(message => message.Equals(messages[0]));
}

/// <summary>The comparison that the compiler writes for it is a bad call.</summary>
internal sealed record BadRecord(OOMEvent Message);

/// <summary>What may be done with messages, and with things of the same names.</summary>
internal static class GoodCalls
{
    internal static byte[] Writes(CreateContainerRequest request, Storage storage)
    {
        request.Storages.Add(storage);
        ArgumentNullException.ThrowIfNull(storage);
        return ReferenceEquals(request.Storages[0], storage) ? request.ToByteArray() : [];
    }

    internal static OOMEvent Reads(byte[] bytes)
    {
        var message = new OOMEvent();
        message.MergeFrom(bytes);
        return OOMEvent.Parser.ParseFrom(bytes);
    }

    internal static string PrintsTexts(OOMEvent message, OciSpecMessage spec, Dictionary<string, OOMEvent> byName)
    {
        string all = message.ContainerId.ToString() + byName.Count.ToString() + byName.ContainsKey("x") + message.ContainerId.Equals("x", StringComparison.Ordinal);
        foreach (KeyValuePair<string, string> annotation in spec.Annotations)
        {
            all += $"{annotation.Key}={annotation.Value}" + annotation.Key.GetHashCode(StringComparison.Ordinal);
        }

        return message is { ContainerId.Length: > 0 } || message == null ? all : message.ContainerId;
    }
}
