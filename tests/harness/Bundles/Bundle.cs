using System.Text.Json.Nodes;

namespace Caisson.Harness;

/// <summary>A bundle with busybox in it: the configuration that <c>caisson spec</c> writes, without a terminal, and what a test changes.</summary>
public sealed class Bundle
{
    private static readonly Lazy<string> s_specification = new(AskForSpecification);

    internal Bundle(string path)
    {
        Path = path;
        Config = JsonNode.Parse(s_specification.Value)!.AsObject();
        Process["terminal"] = false;
        Directory.CreateDirectory(path);
        RootFileSystem.Make(RootFs);
        Save();
    }

    public string Path { get; }

    public string RootFs => System.IO.Path.Combine(Path, "rootfs");

    public string ConfigFile => System.IO.Path.Combine(Path, "config.json");

    /// <summary>The configuration; <see cref="Save"/> writes it.</summary>
    public JsonObject Config { get; }

    public JsonObject Process => Config["process"]!.AsObject();

    public JsonObject Linux => Config["linux"]!.AsObject();

    public string InRoot(string name) => System.IO.Path.Combine(RootFs, name);

    /// <summary>Sets the workload to a shell script.</summary>
    public Bundle Script(string script) => Arguments("sh", "-c", script);

    public Bundle Arguments(params string[] arguments) => Edit(config => config["process"]!["args"] = new JsonArray([.. arguments.Select(argument => (JsonNode)argument)]));

    /// <summary>A terminal for the workload.</summary>
    public Bundle Terminal() => Edit(config => config["process"]!["terminal"] = true);

    /// <summary>A root file system that can be written.</summary>
    public Bundle Writable() => Edit(config => config["root"]!["readonly"] = false);

    /// <summary>Adds a mount.</summary>
    public Bundle Mount(string destination, string type, string source, params string[] options) => Edit(config =>
        config["mounts"]!.AsArray().Add(new JsonObject
        {
            ["destination"] = destination,
            ["type"] = type,
            ["source"] = source,
            ["options"] = new JsonArray([.. options.Select(option => (JsonNode)option)]),
        }));

    /// <summary>Changes the configuration and writes it.</summary>
    public Bundle Edit(Action<JsonObject> change)
    {
        change(Config);
        Save();
        return this;
    }

    private void Save() => File.WriteAllText(ConfigFile, Config.ToJsonString());

    private static string AskForSpecification()
    {
        string directory = System.IO.Path.Combine(TestRun.Directory, "specification");
        Directory.CreateDirectory(directory);
        using RunningCommand spec = RunningCommand.Start(Executable.Path, ["spec", "--bundle", directory]);
        spec.CloseInput().Wait().Expect();
        return File.ReadAllText(System.IO.Path.Combine(directory, "config.json"));
    }
}
