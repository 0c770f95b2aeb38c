using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Fields;

/// <summary>Runs each batch of cases once for each isolation, when it is first asked for.</summary>
public sealed class FieldObservations : IDisposable
{
    private readonly Dictionary<(Isolation, string), Lazy<IReadOnlyDictionary<string, string>>> _batches = [];
    private readonly List<Workplace> _places = [];
    private readonly List<string> _mounts = [];

    public FieldObservations()
    {
        foreach (Isolation isolation in Enum.GetValues<Isolation>())
        {
            foreach (string batch in FieldCases.All.Select(static field => field.Batch).Distinct())
            {
                _batches[(isolation, batch)] = new Lazy<IReadOnlyDictionary<string, string>>(() => Run(isolation, batch));
            }
        }
    }

    internal string Seen(Isolation isolation, FieldCase field) => _batches[(isolation, field.Batch)].Value[field.Field];

    public void Dispose()
    {
        foreach (string mount in _mounts)
        {
            _ = MountCalls.TryUnmount(mount, UnmountFlags.MNT_DETACH, out _);
        }

        _places.ForEach(static place => place.Dispose());
    }

    private Dictionary<string, string> Run(Isolation isolation, string batch)
    {
        var place = new Workplace(isolation, static () => false);
        _places.Add(place);
        Prepare(place);
        FieldCase[] cases = [.. FieldCases.All.Where(field => field.Batch == batch && field.Expected(isolation) is not null)];
        place.Bundle.Mount("/scratch", "tmpfs", "tmpfs").Edit(config =>
        {
            foreach (FieldCase field in cases)
            {
                ConfigMerge.Add(config, JsonNode.Parse(Filled(field.Config, place))!.AsObject());
            }
        });

        // One directory of answers would need a file system that both sides see: a line with a name that no output holds does.
        place.Bundle.Script(string.Concat(cases.Select((field, index) => $"echo '@@{index}'\n{{ {Filled(field.Probe, place)}\n}} 2>&1\n")) + "exit 0\n");
        string output = place.RunBundle().Expect();
        return cases.Select((field, index) => (field.Field, Text: Between(output, index))).ToDictionary();
    }

    private static string Filled(string text, Workplace place) =>
        text.Replace("{place}", place.Path, StringComparison.Ordinal).Replace("{name}", place.Name, StringComparison.Ordinal);

    private static string Between(string output, int index)
    {
        string[] parts = output.Split($"@@{index}\n");
        string text = parts.Length > 1 ? parts[1].Split("@@")[0] : $"(no answer in: {output})";
        return string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries)).TrimEnd();
    }

    private void Prepare(Workplace place)
    {
        Bundle bundle = place.Bundle;
        foreach (string name in new[] { "rec", "ids", "media", "scratch", "etc/copied/below" })
        {
            Directory.CreateDirectory(bundle.InRoot(name));
        }

        File.SetUnixFileMode(bundle.InRoot("etc/copied/below"), (UnixFileMode)0b111_101_000);
        File.WriteAllText(bundle.InRoot("etc/copied/below/file"), "from the image\n");
        Directory.CreateDirectory(Path.Combine(place.Path, "ids"));
        File.WriteAllText(Path.Combine(place.Path, "ids/file"), "");

        // A tree with a mount below it.
        string below = Path.Combine(place.Path, "tree/sub");
        Directory.CreateDirectory(below);
        MountCalls.Mount("tmpfs", below, "tmpfs", MountFlags.None, "size=64k");
        _mounts.Add(below);
        File.WriteAllText(Path.Combine(below, "file"), "below\n");
    }
}
