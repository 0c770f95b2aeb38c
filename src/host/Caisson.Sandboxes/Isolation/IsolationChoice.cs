namespace Caisson.Sandboxes;

/// <summary>
/// Decides a new container's isolation. From strongest to weakest word: <c>--isolation</c>, <c>CAISSON_ISOLATION</c>, the name the
/// executable was called by (Docker's --add-runtime takes no arguments), the annotation where the configuration allows it,
/// the configuration, <c>vm</c>. Only the annotation comes from the workload's author, so only it needs leave.
/// An unknown name is an error at whatever level it stands: falling through to the next could be a weaker isolation than was asked for.
/// </summary>
public sealed record IsolationChoice
{
    /// <summary>The annotation of config.json that asks for an isolation.</summary>
    public const string Annotation = Caisson.Oci.Annotations.Isolation;

    /// <summary>The environment variable that asks for an isolation.</summary>
    public const string Variable = "CAISSON_ISOLATION";

    public string? Flag { get; init; }

    public string? Environment { get; init; }

    /// <summary>argv[0] as the program was called.</summary>
    public string? ProgramName { get; init; }

    public required Configuration Configuration { get; init; }

    /// <param name="annotations">The annotations of the container's config.json.</param>
    /// <exception cref="SandboxException">A name that is none, or an annotation that is not allowed to choose.</exception>
    public Isolation For(IReadOnlyDictionary<string, string>? annotations) =>
        Named(Flag, "--isolation")
        ?? Named(Environment, Variable)
        ?? FromProgramName()
        ?? FromAnnotation(annotations)
        ?? Configuration.Isolation
        ?? Isolation.Vm;

    private static Isolation? Named(string? name, string where)
    {
        if (string.IsNullOrEmpty(name))
        {
            return null;
        }

        return IsolationName.TryParse(name, out Isolation isolation)
            ? isolation
            : throw new SandboxException($"{where}: unknown isolation \"{name}\": expected {IsolationName.All}");
    }

    private Isolation? FromProgramName() => Path.GetFileName(ProgramName) switch
    {
        "caisson-vm" => Isolation.Vm,
        "caisson-namespaces" => Isolation.Namespaces,
        "caisson-kernel" => Isolation.Kernel,
        _ => null,
    };

    private Isolation? FromAnnotation(IReadOnlyDictionary<string, string>? annotations)
    {
        if (annotations is null || !annotations.TryGetValue(Annotation, out string? name))
        {
            return null;
        }

        Isolation? asked = Named(name, $"config.json: annotations[\"{Annotation}\"]");
        if (asked is null || Configuration.AllowsAnnotation(Annotation))
        {
            return asked;
        }

        // An annotation that asks for what holds anyway needs no leave.
        Isolation holds = Configuration.Isolation ?? Isolation.Vm;
        return asked == holds
            ? holds
            : throw new SandboxException(
                $"config.json asks for isolation \"{name}\" by the annotation {Annotation}, which this machine's configuration does not allow: "
                + $"add it to \"allowedAnnotations\" in {ConfigurationReader.MainFile}, or remove the annotation");
    }
}
