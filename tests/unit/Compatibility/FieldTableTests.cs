using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using Caisson.Oci;
using Caisson.Sandboxes;
using Caisson.Tests;

namespace Caisson.UnitTests.Compatibility;

/// <summary>The table of fields is whole, and says what the program does.</summary>
public sealed class FieldTableTests
{
    // Maps whose keys are the configuration's own, not fields.
    private static readonly string[] s_maps =
        ["annotations", "linux.sysctl", "linux.resources.unified", "linux.resources.rdma", "linux.netDevices", "linux.timeOffsets"];

    // One configuration for each refusal: the default one with this in it.
    private static readonly Dictionary<string, string> s_asking = new()
    {
        ["vm"] = """{"vm":{"kernel":{"path":"/vmlinux"}}}""",
        ["vm.hypervisor.parameters"] = """{"vm":{"kernel":{"path":"/vmlinux"},"hypervisor":{"path":"/qemu","parameters":["-s"]}}}""",
        ["vm.kernel.parameters"] = """{"vm":{"kernel":{"path":"/vmlinux","parameters":["quiet"]}}}""",
        ["vm.image"] = """{"vm":{"kernel":{"path":"/vmlinux"},"image":{"path":"/root.img","format":"raw"}}}""",
        ["vm.hwConfig.deviceTree"] = """{"vm":{"hwConfig":{"deviceTree":"/dt"}}}""",
        ["vm.hwConfig.dtdevs"] = """{"vm":{"hwConfig":{"dtdevs":["/soc/x"]}}}""",
        ["vm.hwConfig.irqs"] = """{"vm":{"hwConfig":{"irqs":[33]}}}""",
        ["vm.hwConfig.iomems[]"] = """{"vm":{"hwConfig":{"iomems":[{"firstMFN":1,"nrMFNs":2}]}}}""",
        ["linux.intelRdt"] = """{"linux":{"intelRdt":{"closID":"one"}}}""",
        ["linux.personality.flags"] = """{"linux":{"personality":{"domain":"LINUX","flags":["x"]}}}""",
        ["linux.resources.memory.kernel"] = """{"linux":{"resources":{"memory":{"kernel":4096}}}}""",
        ["linux.resources.memory.kernelTCP"] = """{"linux":{"resources":{"memory":{"kernelTCP":4096}}}}""",
        ["linux.resources.memory.disableOOMKiller"] = """{"linux":{"resources":{"memory":{"disableOOMKiller":true}}}}""",
        ["linux.resources.memory.useHierarchy"] = """{"linux":{"resources":{"memory":{"useHierarchy":false}}}}""",
        ["linux.resources.cpu.realtimeRuntime"] = """{"linux":{"resources":{"cpu":{"realtimeRuntime":5000}}}}""",
        ["linux.resources.cpu.realtimePeriod"] = """{"linux":{"resources":{"cpu":{"realtimePeriod":5000}}}}""",
        ["linux.resources.network.classID"] = """{"linux":{"resources":{"network":{"classID":1}}}}""",
        ["linux.resources.network.priorities[]"] = """{"linux":{"resources":{"network":{"priorities":[{"name":"lo","priority":1}]}}}}""",
        ["linux.resources.rdma.{}"] = """{"linux":{"resources":{"rdma":{"mlx5_1":{"hcaHandles":3}}}}}""",
        ["linux.devices[].major"] = """{"linux":{"devices":[{"path":"/dev/sda","type":"b","major":8,"minor":0}]}}""",
        ["linux.seccomp.listenerPath"] = """{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/agent"}}}""",
        ["linux.netDevices.{}.name"] = """{"linux":{"netDevices":{"eth0":{"name":"eth1"}}}}""",
        ["linux.namespaces[].path"] = """{"linux":{"namespaces":[{"type":"ipc","path":"/proc/1/ns/ipc"}]}}""",
        ["linux.rootfsPropagation"] = """{"linux":{"rootfsPropagation":"rshared"}}""",
        ["mounts[].type"] = """{"mounts":[{"destination":"/data","type":"ext4","source":"/dev/sdb"}]}""",
        ["mounts[].options"] = """{"mounts":[{"destination":"/data","type":"bind","source":"/srv","options":["rbind","rshared"]}]}""",
        ["process.execCPUAffinity"] = """{"process":{"execCPUAffinity":{"initial":"0"}}}""",
    };

    public static TheoryData<string, string> AllRefusals => new(
        new[] { Isolation.Namespaces, Isolation.Vm }.SelectMany(isolation => Refusals.Of(isolation).Select(refusal => (IsolationName.Of(isolation), refusal.Field))));

    [Fact]
    public void Every_field_of_the_model_has_one_row_and_every_row_is_a_field()
    {
        string[] rows = [.. FieldTable.Parts.SelectMany(static part => part.Rows).SelectMany(static row => row.Paths)];

        Assert.Equal(FieldsOf(JsonNode.Parse(SpecWriter.Write(RichSpec.Parsed))!, "").Select(WithoutHookKind).Distinct().Order(), rows.Select(WithoutHookKind).Distinct().Order());
        Assert.Equal(rows.Distinct(), rows);
    }

    [Fact]
    public void Rich_specification_leaves_no_property_of_the_model_out()
    {
        var seen = new HashSet<PropertyInfo>();
        var known = new HashSet<PropertyInfo>();
        Visit(RichSpec.Parsed, seen, known);

        Assert.Empty(known.Except(seen).Select(property => $"{property.DeclaringType!.Name}.{property.Name}"));
    }

    [Fact]
    public void What_the_table_calls_refused_is_refused()
    {
        foreach (Isolation isolation in (Isolation[])[Isolation.Namespaces, Isolation.Vm])
        {
            string[] refused = [.. Refusals.Of(isolation).Select(static refusal => refusal.Field)];
            foreach (FieldRow row in FieldTable.Parts.SelectMany(static part => part.Rows))
            {
                bool saysNo = row.For(isolation).Kind == Honour.No && row.For(isolation).Text.Length == 0;
                Assert.True(!saysNo || row.Paths.All(path => refused.Any(field => path == field || path.StartsWith(field + ".", StringComparison.Ordinal))), $"{isolation}: {row.Path} has no refusal");
            }

            foreach (string field in refused)
            {
                Assert.Contains(FieldTable.Parts.SelectMany(static part => part.Rows), row => row.For(isolation).Kind is Honour.No or Honour.Partly && row.Paths.Append(row.Path).Any(path => path == field || path.StartsWith(field + ".", StringComparison.Ordinal)));
            }
        }
    }

    [Theory, MemberData(nameof(AllRefusals))]
    public void Refusal_names_field_isolation_and_reason(string isolation, string field)
    {
        Assert.True(IsolationName.TryParse(isolation, out Isolation kind));
        JsonObject config = JsonNode.Parse(SpecWriter.Write(DefaultSpec.Create(rootless: false)))!.AsObject();
        Assert.Null(Record.Exception(() => Refusals.Require(kind, SpecReader.Parse(SpecWriter.Write(DefaultSpec.Create(rootless: false)), "config.json"))));
        Merge(config, JsonNode.Parse(s_asking[field])!.AsObject());
        OciSpec spec = SpecReader.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json");

        SandboxException refused = Assert.Throws<SandboxException>(() => Refusals.Require(kind, spec));

        Assert.StartsWith($"config.json: {field.Split('[', '{')[0].TrimEnd('.')}", refused.Message);
        Assert.Contains($"isolation {isolation}: ", refused.Message);
        Assert.Contains(Refusals.Of(kind).First(refusal => refusal.Field == field).Why, refused.Message);
    }

    // Items of a list and keys of a map are written as [] and {}.
    private static IEnumerable<string> FieldsOf(JsonNode node, string path) => node switch
    {
        JsonObject value => value.SelectMany(pair => FieldsOf(pair.Value!, s_maps.Contains(path) ? path + ".{}" : path.Length == 0 ? pair.Key : $"{path}.{pair.Key}")),
        JsonArray { Count: > 0 } list when list[0] is JsonObject => list.SelectMany(item => FieldsOf(item!, path + "[]")),
        _ => [path],
    };

    // The rich specification gives all of a hook's fields for one kind only.
    private static string WithoutHookKind(string path) =>
        path.StartsWith("hooks.", StringComparison.Ordinal) ? "hooks.KIND" + path[path.IndexOf('[', StringComparison.Ordinal)..] : path;

    private static void Visit(object value, HashSet<PropertyInfo> seen, HashSet<PropertyInfo> known)
    {
        if (value is IEnumerable items and not string)
        {
            foreach (object item in items)
            {
                Visit(item.GetType().IsGenericType ? item.GetType().GetProperty("Value")!.GetValue(item)! : item, seen, known);
            }
        }
        else if (value.GetType().Namespace == typeof(OciSpec).Namespace)
        {
            foreach (PropertyInfo property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static property => property.CanWrite))
            {
                known.Add(property);
                if (property.GetValue(value) is { } inner && !inner.Equals(property.GetValue(Activator.CreateInstance(value.GetType()))))
                {
                    seen.Add(property);
                    Visit(inner, seen, known);
                }
            }
        }
    }

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach ((string name, JsonNode? value) in from)
        {
            if (value is JsonObject inner && into[name] is JsonObject present)
            {
                Merge(present, inner);
            }
            else
            {
                into[name] = value!.DeepClone();
            }
        }
    }
}
