using System.Globalization;
using System.Text;
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

    // text/tabwriter as runc sets it up: cells of at least 12 characters, 3 spaces between.
    private const int NarrowestCell = 12;
    private const int Padding = 3;

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

        return Align(rows);
    }

    private static string Align(List<string[]> rows)
    {
        int[] widths = new int[s_header.Length];
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length; column++)
            {
                widths[column] = Math.Max(widths[column], Math.Max(NarrowestCell, row[column].Length + Padding));
            }
        }

        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length - 1; column++)
            {
                text.Append(row[column].PadRight(widths[column]));
            }

            text.Append(row[^1]).Append('\n');
        }

        return text.ToString();
    }

    // runc prints #1000 for a user without a name.
    private static string OwnerName(uint userId) =>
        HostUsers.Database.FindUser(userId)?.Name ?? string.Create(CultureInfo.InvariantCulture, $"#{userId}");

    // RFC 3339 as Go prints it: fractions without the zeros at their end.
    private static string Time(DateTime created)
    {
        string seconds = created.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        string fraction = created.ToString("fffffff", CultureInfo.InvariantCulture).TrimEnd('0');
        return fraction.Length == 0 ? seconds + "Z" : $"{seconds}.{fraction}Z";
    }
}
