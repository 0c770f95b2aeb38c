using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>Sandboxes for people, as a table, and for programs, as JSON.</summary>
internal static class SandboxListing
{
    private static readonly string[] s_header = ["SANDBOX", "ISOLATION", "STATE", "CONTAINERS", "SUPERVISOR", "MACHINE", "CREATED", "ROOT"];

    internal static string ToTable(IReadOnlyList<FoundSandbox> sandboxes)
    {
        var rows = new List<string[]> { s_header };
        foreach (FoundSandbox sandbox in sandboxes)
        {
            var ids = new List<string>();
            foreach (FoundContainer container in sandbox.Containers)
            {
                ids.Add(container.Record.Id);
            }

            rows.Add(
            [
                sandbox.Id,
                IsolationName.Of(sandbox.Isolation),
                StateOf(sandbox),
                ids.Count == 0 ? "-" : string.Join(',', ids),
                Pid(sandbox, sandbox.Snapshot?.Supervisor),
                Pid(sandbox, sandbox.Snapshot?.Machine),
                sandbox.Created is { } created ? ContainerListing.Time(created) : "-",
                sandbox.Root ?? "-",
            ]);
        }

        return TextTable.Align(rows);
    }

    internal static byte[] ToJson(IReadOnlyList<FoundSandbox> sandboxes) => Printed(json =>
    {
        json.WriteStartArray();
        foreach (FoundSandbox sandbox in sandboxes)
        {
            json.WriteStartObject();
            WriteSummary(json, sandbox);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>All that is known of one.</summary>
    internal static byte[] Describe(FoundSandbox sandbox) => Printed(json =>
    {
        json.WriteStartObject();
        WriteSummary(json, sandbox);
        WriteText(json, "directory", sandbox.Directory);
        WriteText(json, "cause", sandbox.Cause);
        if (sandbox.Origin is { } origin)
        {
            json.WriteStartObject("size");
            json.WriteNumber("vcpus", origin.VirtualCpus);
            json.WriteNumber("memoryMiB", origin.MemoryMib);
            json.WriteEndObject();
            json.WriteStartObject("creator");
            json.WriteNumber("pid", origin.Creator.Pid);
            json.WriteBoolean("alive", origin.IsCreatorAlive);
            json.WriteEndObject();
        }

        WriteHelpers(json, sandbox);
        WriteContainers(json, sandbox);
        json.WriteEndObject();
    });

    private static void WriteSummary(Utf8JsonWriter json, FoundSandbox sandbox)
    {
        json.WriteString("id", sandbox.Id);
        json.WriteString("isolation", IsolationName.Of(sandbox.Isolation));
        json.WriteString("state", StateOf(sandbox));
        json.WriteStartArray("containerIds");
        foreach (FoundContainer container in sandbox.Containers)
        {
            json.WriteStringValue(container.Record.Id);
        }

        json.WriteEndArray();
        WriteProcess(json, "supervisor", sandbox, sandbox.Snapshot?.Supervisor);
        WriteProcess(json, "machine", sandbox, sandbox.Snapshot?.Machine);
        WriteText(json, "created", sandbox.Created is { } created ? ContainerListing.Time(created) : null);
        WriteText(json, "root", sandbox.Root);
    }

    private static void WriteHelpers(Utf8JsonWriter json, FoundSandbox sandbox)
    {
        json.WriteStartArray("helpers");
        foreach ((string role, ProcessIdentity process) in sandbox.Helpers)
        {
            bool isAlive = sandbox.IsAlive(process);
            json.WriteStartObject();
            json.WriteString("role", role);
            json.WriteNumber("pid", process.Pid);
            json.WriteBoolean("alive", isAlive);
            if (isAlive && ProportionalKib(process.Pid) is { } kib)
            {
                json.WriteNumber("pssKiB", kib);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteContainers(Utf8JsonWriter json, FoundSandbox sandbox)
    {
        json.WriteStartArray("containers");
        foreach (FoundContainer container in sandbox.Containers)
        {
            json.WriteStartObject();
            json.WriteString("id", container.Record.Id);
            json.WriteString("status", container.Live.Status.Name());
            json.WriteNumber("pid", container.Live.Pid);
            json.WriteString("root", container.Root);
            json.WriteString("bundle", container.Record.Bundle);
            json.WriteString("created", ContainerListing.Time(container.Record.Created));
            WriteText(json, "cause", container.Live.Cause ?? container.Record.Cause);
            json.WriteStartObject("cgroups");
            if (container.Record.Cgroup is { } cgroup)
            {
                foreach (KeyValuePair<string, string> path in RecordedCgroup.Open(cgroup).Paths)
                {
                    json.WriteString(path.Key.Length == 0 ? "unified" : path.Key, path.Value);
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string StateOf(FoundSandbox sandbox) => sandbox.Standing switch
    {
        SandboxStanding.BeingCreated => "creating",
        SandboxStanding.Running => "running",
        SandboxStanding.Ended => "ended",
        SandboxStanding.Ownerless => "ownerless",
        _ => "unknown",
    };

    private static string Pid(FoundSandbox sandbox, ProcessIdentity? process) => process is not { } known ? "-"
        : sandbox.IsAlive(known) ? known.Pid.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{known.Pid} (gone)");

    private static void WriteProcess(Utf8JsonWriter json, string name, FoundSandbox sandbox, ProcessIdentity? process)
    {
        if (process is { } known)
        {
            json.WriteStartObject(name);
            json.WriteNumber("pid", known.Pid);
            json.WriteBoolean("alive", sandbox.IsAlive(known));
            json.WriteEndObject();
        }
    }

    // What a process costs, with pages that it shares counted in part (proc(5), smaps_rollup).
    private static long? ProportionalKib(int pid)
    {
        if (!SmallFile.TryReadText($"/proc/{pid}/smaps_rollup", out string text, out _))
        {
            return null;
        }

        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("Pss:", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib : null;
            }
        }

        return null;
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static byte[] Printed(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            write(json);
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
