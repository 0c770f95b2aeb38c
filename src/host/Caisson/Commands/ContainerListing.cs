using System.Globalization;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>A container with what is true of it now.</summary>
internal readonly record struct ListedContainer(ContainerRecord Record, LiveContainer Live)
{
    /// <summary>In the specification's words; the owner is left out as runc's <c>state</c> does.</summary>
    internal RuntimeState ToState(string owner = "")
    {
        var annotations = new SpecMap<string>(Record.Annotations);
        return new RuntimeState(
            new OciState
            {
                OciVersion = Record.OciVersion,
                Id = Record.Id,
                Status = Live.Status,
                Pid = Live.Pid,
                Bundle = Record.Bundle,
                Annotations = (Live.Cause ?? Record.Cause) is { } cause ? annotations.With(ContainerListing.CauseAnnotation, cause) : annotations,
            },
            Record.Rootfs,
            Record.Created,
            owner);
    }
}

/// <summary>Containers in the forms of runc's <c>list</c>: engines and scripts read them.</summary>
internal static class ContainerListing
{
    /// <summary>Why a container stopped, where that was not its own doing.</summary>
    internal const string CauseAnnotation = "io.caisson.cause";

    private static readonly string[] s_header = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];

    internal static byte[] ToJson(IReadOnlyList<ListedContainer> containers)
    {
        var states = new List<RuntimeState>();
        foreach (ListedContainer container in containers)
        {
            states.Add(container.ToState(OwnerName(container.Record.OwnerUserId)));
        }

        return StateWriter.List(states);
    }

    internal static string ToTable(IReadOnlyList<ListedContainer> containers)
    {
        var rows = new List<string[]> { s_header };
        foreach (ListedContainer container in containers)
        {
            rows.Add(
            [
                container.Record.Id,
                container.Live.Pid.ToString(CultureInfo.InvariantCulture),
                container.Live.Status.Name(),
                container.Record.Bundle,
                Time(container.Record.Created),
                OwnerName(container.Record.OwnerUserId),
            ]);
        }

        return TextTable.Align(rows);
    }

    // runc prints #1000 for a user without a name.
    private static string OwnerName(uint userId) =>
        HostUsers.Database.FindUser(userId)?.Name ?? string.Create(CultureInfo.InvariantCulture, $"#{userId}");

    // RFC 3339 as Go prints it: fractions without the zeros at their end.
    internal static string Time(DateTime created)
    {
        string seconds = created.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        string fraction = created.ToString("fffffff", CultureInfo.InvariantCulture).TrimEnd('0');
        return fraction.Length == 0 ? seconds + "Z" : $"{seconds}.{fraction}Z";
    }
}
