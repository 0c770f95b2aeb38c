namespace Caisson.Oci;

/// <summary>One thing that is wrong, or doubtful, in a specification.</summary>
/// <param name="JsonPath">Where, e.g. <c>linux.namespaces[2].type</c>.</param>
/// <param name="Message">What; in runc's words where engines and people know those.</param>
public readonly record struct SpecProblem(string JsonPath, string Message)
{
    /// <summary>Place and message on one line.</summary>
    public override string ToString() => JsonPath.Length == 0 ? Message : $"{JsonPath}: {Message}";
}

/// <summary>What validation found: a specification with errors must not be run, one with warnings may.</summary>
public sealed class SpecVerdict
{
    // A hostile document could hold as many mistakes as bytes; a reader of messages needs only the first.
    private const int MaxProblems = 64;

    private readonly List<SpecProblem> _errors = [];
    private readonly List<SpecProblem> _warnings = [];

    /// <summary>What rules the specification out, in the order of the checks.</summary>
    public IReadOnlyList<SpecProblem> Errors => _errors;

    /// <summary>What is ignored or deprecated.</summary>
    public IReadOnlyList<SpecProblem> Warnings => _warnings;

    /// <summary>Is there no error?</summary>
    public bool IsValid => _errors.Count == 0;

    /// <summary>Throws the first error, if there is one.</summary>
    /// <param name="fileName">What the error calls the document.</param>
    /// <exception cref="SpecException">There is an error.</exception>
    public void ThrowIfInvalid(string fileName)
    {
        if (!IsValid)
        {
            throw new SpecException(fileName, _errors[0]);
        }
    }

    internal void Error(string path, string message) => Add(_errors, path, message);

    internal void Warn(string path, string message) => Add(_warnings, path, message);

    private static void Add(List<SpecProblem> problems, string path, string message)
    {
        if (problems.Count < MaxProblems)
        {
            problems.Add(new SpecProblem(path, message));
        }
    }
}
