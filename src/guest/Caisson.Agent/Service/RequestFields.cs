using System.Buffers;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Fields of requests that become paths, numbers and keys here, and are checked before that.</summary>
internal static class RequestFields
{
    // Own limit; the id is a directory's name (NAME_MAX is 255) with something added to it, twice.
    internal const int MaxIdChars = 200;

    private const int MaxSignal = 64;    // _NSIG

    private static readonly SearchValues<char> s_idLetters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.");

    /// <summary>A container's or exec's id: runc's letters, and nothing that means a directory.</summary>
    internal static string Id(string id, string what) =>
        id.Length is > 0 and <= MaxIdChars && !id.AsSpan().ContainsAnyExcept(s_idLetters) && id is not ("." or "..")
            ? id
            : throw Refusal.Invalid($"{what}: 1 to {MaxIdChars} letters, digits and _+-. are allowed");

    /// <summary>An exec's id, or nothing for the container itself.</summary>
    internal static string OptionalId(string id) => id.Length == 0 ? id : Id(id, "exec_id");

    internal static int Signal(uint signal) =>
        signal is > 0 and <= MaxSignal ? (int)signal : throw Refusal.Invalid($"signal {signal}: 1 to {MaxSignal} are allowed");

    internal static WindowSize WindowSize(uint rows, uint columns) =>
        rows <= ushort.MaxValue && columns <= ushort.MaxValue
            ? new WindowSize((ushort)rows, (ushort)columns)
            : throw Refusal.Invalid($"a terminal of {rows} by {columns}: at most {ushort.MaxValue} each are allowed");

    /// <summary>Refuses what this agent does not do, instead of passing it over.</summary>
    internal static void Unsupported(bool isAsked, string what)
    {
        if (isAsked)
        {
            throw new Ttrpc.TtrpcException(Ttrpc.TtrpcCode.Unimplemented, $"{what}: this agent does not do that");
        }
    }
}
