using System.Text.Json.Nodes;

namespace Caisson.Bench;

/// <summary>A busybox bundle, from the specification that runc and <c>caisson spec</c> write by default.</summary>
internal sealed class Bundle
{
    // Hard limits cannot be raised without CAP_SYS_RESOURCE, and no runtime is measured by them.
    private static readonly string[] s_applets = ["sh", "true", "cat", "sleep", "grep"];

    private Bundle(string path) => Path = path;

    internal string Path { get; }

    internal static Bundle Create(BenchPlace place, string name, params string[] arguments)
    {
        string busybox = BenchPlace.FindPeer("busybox") ?? throw new BenchException("busybox is not installed: apt-get install busybox-static");
        string path = System.IO.Path.Combine(place.Directory, name);
        string programs = System.IO.Path.Combine(path, "rootfs", "bin");
        Directory.CreateDirectory(programs);
        File.Copy(busybox, System.IO.Path.Combine(programs, "busybox"));
        foreach (string applet in s_applets)
        {
            File.CreateSymbolicLink(System.IO.Path.Combine(programs, applet), "busybox");
        }

        _ = new ChildCommand(place.Caisson, "spec", "--bundle", path).Read();
        var bundle = new Bundle(path);
        bundle.Change(spec =>
        {
            JsonObject process = spec["process"]!.AsObject();
            process["terminal"] = false;
            process["args"] = new JsonArray([.. arguments.Select(argument => (JsonNode)argument)]);
            process.Remove("rlimits");
        });
        return bundle;
    }

    internal void RemoveNamespace(string type) => Change(spec =>
    {
        JsonArray namespaces = spec["linux"]!["namespaces"]!.AsArray();
        namespaces.Remove(namespaces.Single(item => item!["type"]!.GetValue<string>() == type));
    });

    internal void Change(Action<JsonNode> edit)
    {
        string file = System.IO.Path.Combine(Path, "config.json");
        JsonNode spec = JsonNode.Parse(File.ReadAllText(file))!;
        edit(spec);
        File.WriteAllText(file, spec.ToJsonString());
    }
}
