using System.Text.Json;

namespace Caisson.Sandboxes;

/// <summary>
/// Reads /etc/caisson/config.json and then config.d/*.json by name, each key replacing what an earlier file said.
/// An unknown key is an error: a misspelt limit that is silently ignored is a hole.
/// </summary>
public static class ConfigurationReader
{
    public const string MainFile = "/etc/caisson/config.json";
    public const string Directory = "/etc/caisson/config.d";

    // The configuration is the administrator's; the bound only keeps a wrong path (a disk image) from being read whole.
    private const int LargestBytes = 1 << 20;

    private static readonly JsonDocumentOptions s_options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <param name="only">The file that <c>--config</c> names, which replaces all others and must exist; null for the usual places.</param>
    /// <exception cref="SandboxException">A file that cannot be read, or is wrong at the key that the message names.</exception>
    public static Configuration Read(string? only)
    {
        if (only is not null)
        {
            return ReadFile(only, Configuration.Empty);
        }

        Configuration result = Configuration.Empty;
        if (File.Exists(MainFile))
        {
            result = ReadFile(MainFile, result);
        }

        if (System.IO.Directory.Exists(Directory))
        {
            string[] files = System.IO.Directory.GetFiles(Directory, "*.json");
            Array.Sort(files, StringComparer.Ordinal);
            foreach (string file in files)
            {
                result = ReadFile(file, result);
            }
        }

        return result;
    }

    /// <summary>Adds one file's keys to what is known already.</summary>
    /// <param name="file">The file's path.</param>
    /// <param name="onto">What earlier files said.</param>
    public static Configuration ReadFile(string file, Configuration onto)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(file).Length > LargestBytes)
            {
                throw new SandboxException($"configuration {file}: larger than {LargestBytes} bytes: not a configuration");
            }

            bytes = File.ReadAllBytes(file);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new SandboxException($"configuration {file}: cannot be read: {Failure.Describe(cause)}", cause);
        }

        return Parse(file, bytes, onto);
    }

    internal static Configuration Parse(string file, byte[] bytes, Configuration onto)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, s_options);
            return ReadTop(new Place(file, ""), document.RootElement, onto);
        }
        catch (JsonException cause)
        {
            throw new SandboxException($"configuration {file}: not JSON at line {cause.LineNumber + 1}, byte {cause.BytePositionInLine + 1}", cause);
        }
        catch (InvalidOperationException cause)
        {
            // JsonElement's own check of text: unpaired surrogates and invalid UTF-8 come to light when a string is taken.
            throw new SandboxException($"configuration {file}: a name or a text in it is not Unicode", cause);
        }
    }

    private static Configuration ReadTop(Place place, JsonElement element, Configuration onto)
    {
        foreach (JsonProperty member in place.Members(element))
        {
            Place key = place.Key(member.Name);
            onto = member.Name switch
            {
                "isolation" => onto with { Isolation = ReadIsolation(key, member.Value) },
                "allowedAnnotations" => onto with { AllowedAnnotations = key.Texts(member.Value) },
                "vm" => onto with { Vm = ReadVm(key, member.Value, onto.Vm) },
                _ => throw key.Unknown("isolation, allowedAnnotations, vm"),
            };
        }

        return onto;
    }

    private static VmConfiguration ReadVm(Place place, JsonElement element, VmConfiguration onto)
    {
        foreach (JsonProperty member in place.Members(element))
        {
            Place key = place.Key(member.Name);
            onto = member.Name switch
            {
                "qemu" => onto with { Qemu = key.AbsolutePath(member.Value) },
                "virtiofsd" => onto with { Virtiofsd = key.AbsolutePath(member.Value) },
                "kernel" => onto with { Kernel = key.AbsolutePath(member.Value) },
                "initrd" => onto with { Initrd = key.AbsolutePath(member.Value) },
                "accelerator" => onto with { Accelerator = key.OneOf(member.Value, "auto", "kvm", "tcg") },
                "network" => onto with { Network = key.OneOf(member.Value, "tcfilter", "none") },
                "vcpus" => onto with { Vcpus = key.Number(member.Value, 1, 255) },
                "memoryMiB" => onto with { MemoryMiB = key.Number(member.Value, 64, 1 << 22) },
                "allowedPaths" => onto with { AllowedPaths = key.Texts(member.Value) },
                "kernelParameters" => onto with { KernelParameters = key.Texts(member.Value) },
                _ => throw key.Unknown("qemu, virtiofsd, kernel, initrd, accelerator, network, vcpus, memoryMiB, allowedPaths, kernelParameters"),
            };
        }

        return onto;
    }

    private static Isolation ReadIsolation(Place key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String && IsolationName.TryParse(value.GetString(), out Isolation isolation)
            ? isolation
            : throw key.Wrong(IsolationName.All);

    /// <summary>Where in which file a value stands, for messages.</summary>
    private readonly record struct Place(string File, string Path)
    {
        internal Place Key(string name) => this with { Path = Path.Length == 0 ? Printable(name) : Path + "." + Printable(name) };

        internal JsonElement.ObjectEnumerator Members(JsonElement element) =>
            element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : throw Wrong("an object");

        internal string AbsolutePath(JsonElement value) =>
            value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && text[0] == '/' ? text : throw Wrong("an absolute path");

        internal string OneOf(JsonElement value, params ReadOnlySpan<string> allowed)
        {
            string? text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            return text is not null && allowed.Contains(text) ? text : throw Wrong("one of " + string.Join(", ", allowed!));
        }

        internal int Number(JsonElement value, int least, int most) =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
                ? number
                : throw Wrong($"a whole number from {least} to {most}");

        internal string[] Texts(JsonElement value)
        {
            if (value.ValueKind != JsonValueKind.Array)
            {
                throw Wrong("a list of texts");
            }

            var texts = new List<string>();
            foreach (JsonElement item in value.EnumerateArray())
            {
                texts.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong("a list of texts"));
            }

            return texts.ToArray();
        }

        // A key is shown in an error, which is one line of a log.
        private static string Printable(string name) => string.Create(name.Length, name, static (span, from) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(from[i]) ? '?' : from[i];
            }
        });

        internal SandboxException Wrong(string expected) => new($"configuration {File}: {(Path.Length == 0 ? "the file" : Path)}: expected {expected}");

        internal SandboxException Unknown(string known) => new($"configuration {File}: {Path}: unknown key; known here are {known}");
    }
}
