using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>network</c>: a container's interfaces and routes, and interfaces that it is given or that are taken from it while it runs.</summary>
internal sealed class NetworkCommand : Command
{
    private static readonly string[] s_interfaceHeader = ["NAME", "HARDWARE ADDRESS", "MTU", "ADDRESSES"];
    private static readonly string[] s_routeHeader = ["DESTINATION", "GATEWAY", "INTERFACE", "SOURCE", "METRIC"];

    internal override string Name => "network";

    internal override string Summary => "list a container's interfaces and routes, and give and take interfaces";

    internal override string Usage => "[options] list CONTAINER | routes CONTAINER | add CONTAINER INTERFACE | remove CONTAINER INTERFACE";

    internal override string Description =>
        """
        `list` and `routes` show what the container sees itself; in a virtual machine that is what the guest says.
        `add` moves an interface of the caller's network namespace into the container's, with its addresses, and returns when the container
        has it; `remove` moves one back. In a virtual machine that needs a network namespace which was given by path, or hooks that made it.
        """;

    internal override IReadOnlyList<Flag> Flags => [Flag.Choice("format", "FORMAT", "of list and routes: table or json (default: table)", ["table", "json"], 'f')];

    internal override int MostArguments => 3;

    internal override int Run(Invocation invocation)
    {
        string verb = invocation.Arguments[0];
        int count = invocation.Arguments.Count;
        if (!((verb is "list" or "routes" && count == 2) || (verb is "add" or "remove" && count == 3)))
        {
            throw new UsageException($"network: expected list, routes, add or remove; usage: {HelpText.UsageLine(this)}");
        }

        string format = invocation.Flags.Text("format") ?? "table";
        if (format is not ("table" or "json"))
        {
            throw new SandboxException($"invalid format option \"{format}\": expected table or json");
        }

        (ContainerRecord record, IContainerBackend backend) = new Runtime(invocation).Load(invocation.Arguments[1]);
        if (backend.Look(record).Status == Oci.ContainerStatus.Stopped)
        {
            throw new SandboxException("container not running");
        }

        switch (verb)
        {
            case "list":
                StandardStream.Output.Write(Interfaces(backend.ListNetwork(record).Interfaces, format));
                break;
            case "routes":
                StandardStream.Output.Write(Routes(backend.ListNetwork(record).Routes, format));
                break;
            case "add":
                backend.RequireNetwork(record);
                InterfaceMove.IntoContainer(record, invocation.Arguments[2]);
                backend.AwaitInterface(record, invocation.Arguments[2], isThere: true);
                break;
            default:
                InterfaceMove.OutOfContainer(record, invocation.Arguments[2]);
                backend.AwaitInterface(record, invocation.Arguments[2], isThere: false);
                break;
        }

        return 0;
    }

    private static string Interfaces(IReadOnlyList<ListedInterface> interfaces, string format)
    {
        if (format == "json")
        {
            return Json(interfaces, static (json, one) =>
            {
                json.WriteString("name", one.Name);
                json.WriteString("hardwareAddress", one.HardwareAddress);
                json.WriteNumber("mtu", one.Mtu);
                json.WriteStartArray("addresses");
                foreach (string address in one.Addresses)
                {
                    json.WriteStringValue(address);
                }

                json.WriteEndArray();
            });
        }

        var rows = new List<string[]> { s_interfaceHeader };
        foreach (ListedInterface one in interfaces)
        {
            rows.Add([one.Name, one.HardwareAddress, one.Mtu.ToString(CultureInfo.InvariantCulture), string.Join(' ', one.Addresses)]);
        }

        return TextTable.Align(rows);
    }

    private static string Routes(IReadOnlyList<ListedRoute> routes, string format)
    {
        if (format == "json")
        {
            return Json(routes, static (json, one) =>
            {
                json.WriteString("destination", one.Destination);
                json.WriteString("gateway", one.Gateway);
                json.WriteString("interface", one.Interface);
                json.WriteString("source", one.Source);
                json.WriteNumber("metric", one.Metric);
            });
        }

        var rows = new List<string[]> { s_routeHeader };
        foreach (ListedRoute one in routes)
        {
            rows.Add([one.Destination, one.Gateway, one.Interface, one.Source, one.Metric.ToString(CultureInfo.InvariantCulture)]);
        }

        return TextTable.Align(rows);
    }

    private static string Json<T>(IReadOnlyList<T> list, Action<Utf8JsonWriter, T> write)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartArray();
            foreach (T one in list)
            {
                json.WriteStartObject();
                write(json, one);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan) + "\n";
    }
}
