using System.Globalization;
using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

/// <summary>
/// The TCP ports on which the guest's programs are reached over its loopback. Linux tells nobody when a program begins to listen, so it
/// is looked for: only while a host asks, and in the listeners alone, which the kernel lists before everything else.
/// </summary>
internal static class ListeningPorts
{
    // At 150 bytes each some 400 listeners.
    private const int LimitBytes = 64 * 1024;

    private const string Listening = "0A"; // TCP_LISTEN of net/tcp_states.h

    private static readonly TimeSpan s_nextLook = TimeSpan.FromSeconds(1);

    /// <summary>Waits until there are others than those that are known.</summary>
    internal static async Task<ByteString> ChangedAsync(ByteString known, CancellationToken cancellationToken)
    {
        while (true)
        {
            ByteString ports = PortNumbers.ToWire(Collect(Table("/proc/net/tcp"), Table("/proc/net/tcp6")));
            if (!ports.Span.SequenceEqual(known.Span))
            {
                return ports;
            }

            await Task.Delay(s_nextLook, cancellationToken);
        }
    }

    /// <summary>Reads tables of proc(5): the lowest ports, in their order, each once.</summary>
    internal static ushort[] Collect(params ReadOnlySpan<string> tables)
    {
        var ports = new List<ushort>();
        foreach (string table in tables)
        {
            foreach (ReadOnlySpan<char> line in table.AsSpan().EnumerateLines())
            {
                // Also over both families.
                if (PortOf(line) is { } port && !ports.Contains(port))
                {
                    ports.Add(port);
                }
            }
        }

        ports.Sort();
        return [.. ports[..Math.Min(ports.Count, PortNumbers.Max)]];
    }

    // "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 ..."
    private static ushort? PortOf(ReadOnlySpan<char> line)
    {
        Span<Range> fields = stackalloc Range[5];
        if (line.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries) < fields.Length || !line[fields[3]].SequenceEqual(Listening))
        {
            return null;
        }

        ReadOnlySpan<char> local = line[fields[1]];
        int colon = local.IndexOf(':');
        return colon > 0 && IsReached(local[..colon])
            && ushort.TryParse(local[(colon + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort port) && port > 0
                ? port
                : null;
    }

    // Each four bytes are a number of the processor's order: any address and the loopback, of both families, and IPv4's within IPv6.
    private static bool IsReached(ReadOnlySpan<char> address) => address is
        "00000000" or "0100007F"
        or "00000000000000000000000000000000" or "00000000000000000000000001000000"
        or "0000000000000000FFFF000000000000" or "0000000000000000FFFF00000100007F";

    // A kernel without IPv6 has no table of it.
    private static string Table(string path)
    {
        if (!FileCalls.TryOpen(path, OpenFlags.O_RDONLY, out FileFd file, out _))
        {
            return "";
        }

        using (file)
        {
            return Text(file);
        }
    }

    private static string Text(FileFd file)
    {
        byte[] buffer = new byte[LimitBytes];
        int filled = 0;
        while (filled < buffer.Length && file.TryRead(buffer.AsSpan(filled), out int count, out _) && count > 0)
        {
            filled += count;
        }

        return System.Text.Encoding.ASCII.GetString(buffer, 0, filled);
    }
}
