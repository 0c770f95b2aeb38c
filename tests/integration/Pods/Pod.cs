using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Pods;

/// <summary>
/// Containers in the virtual machine of a place's first container, made as a shim makes them: <c>create --sandbox</c>, with the namespaces
/// named by the first one's pid.
/// </summary>
internal sealed class Pod(Workplace place)
{
    /// <summary>The namespaces that containers of a pod have in common.</summary>
    internal static readonly string[] Shared = ["ipc", "uts", "network"];

    /// <summary>The first container's pid on the host.</summary>
    internal int First => (int)place.State()["pid"]!;

    /// <summary>A further container's id.</summary>
    internal string Id(string name) => $"{place.Id}-{name}";

    /// <summary>The bundle of a further container that runs a script.</summary>
    /// <param name="name">The container.</param>
    /// <param name="script">Its workload.</param>
    /// <param name="shared">Which namespaces are the first container's; the others are its own.</param>
    internal Bundle Bundle(string name, string script, params string[] shared)
    {
        int first = First;
        return place.AnotherBundle(name).Script(script).Edit(config =>
        {
            // In a shared namespace the name is everybody's, and set by whoever comes last.
            config.Remove("hostname");
            foreach (JsonNode? ns in config["linux"]!["namespaces"]!.AsArray())
            {
                string type = (string)ns!["type"]!;
                if (shared.Contains(type))
                {
                    ns["path"] = $"/proc/{first}/ns/{(type == "network" ? "net" : type)}";
                }
            }
        });
    }

    /// <summary>Creates and starts a further container; its streams are those of what comes back.</summary>
    internal RunningCommand Start(string name, string script) => Start(name, Bundle(name, script, Shared));

    internal RunningCommand Start(string name, Bundle bundle)
    {
        RunningCommand create = Create(name, bundle);
        if (create.WaitForExit() != 0)
        {
            throw new HarnessException($"expected success, got {create.CloseInput().Wait()}");
        }

        place.Run("start", Id(name)).Expect();
        return create;
    }

    /// <summary>Begins to create a further container.</summary>
    internal RunningCommand Create(string name, Bundle bundle) => place.Start("create", "--sandbox", place.Id, "--bundle", bundle.Path, Id(name));

    /// <summary>What a creation that fails says.</summary>
    internal string Refusal(string name, Bundle bundle)
    {
        CommandResult result = Create(name, bundle).CloseInput().Wait();
        Assert.Equal(1, result.ExitCode);
        return result.Error;
    }

    /// <summary>Runs a shell's command in a container.</summary>
    /// <param name="name">A further container, or null for the first.</param>
    /// <param name="script">The command.</param>
    internal string In(string? name, string script) =>
        place.Run("exec", name is null ? place.Id : Id(name), "sh", "-c", script).Expect().TrimEnd('\n');

    internal int Pid(string name) => (int)place.State(Id(name))["pid"]!;

    /// <summary>Why a container ended, as its state says.</summary>
    internal string Cause(string? name) =>
        (string?)place.State(name is null ? place.Id : Id(name))["annotations"]?["io.caisson.cause"] ?? "";
}
