namespace Caisson.Oci;

/// <summary>
/// A specification that cannot be used: which file, which field (as a JSON path such as <c>linux.namespaces[2].type</c>),
/// what was expected there and what was found.
/// </summary>
public sealed class SpecException : Exception
{
    /// <summary>A field that is not as expected.</summary>
    /// <param name="file">The file as the user knows it, e.g. <c>config.json</c>.</param>
    /// <param name="jsonPath">The path of the field; empty for the document itself.</param>
    /// <param name="expected">What the specification asks for, e.g. "a string".</param>
    /// <param name="found">What is there instead, e.g. "the number 5".</param>
    public SpecException(string file, string jsonPath, string expected, string found)
        : base(jsonPath.Length == 0
            ? $"{file}: expected {expected}, found {found}"
            : $"{file}: {jsonPath}: expected {expected}, found {found}")
    {
        File = file;
        JsonPath = jsonPath;
        Expected = expected;
        Found = found;
    }

    /// <summary>A rule that is broken, found by validation.</summary>
    internal SpecException(string file, SpecProblem problem)
        : base($"{file}: {problem}")
    {
        File = file;
        JsonPath = problem.JsonPath;
        Expected = problem.Message;
        Found = "";
    }

    /// <summary>A file that could not be read at all.</summary>
    internal SpecException(string file, string message, Exception? cause)
        : base(message, cause)
    {
        File = file;
        JsonPath = "";
        Expected = "a readable file";
        Found = "none";
    }

    /// <summary>The file as the user knows it.</summary>
    public string File { get; }

    /// <summary>The path of the field; empty for the document itself.</summary>
    public string JsonPath { get; }

    /// <summary>What was expected there; of a broken rule, the whole message.</summary>
    public string Expected { get; }

    /// <summary>What was found there; empty for a broken rule.</summary>
    public string Found { get; }
}
