namespace Caisson.Sandboxes;

/// <summary>One row of <see cref="FieldTable"/>: a field of config.json, or several that share an answer.</summary>
/// <param name="Path">Its JSON path; <c>[]</c> is any item of a list, <c>{}</c> any key of a map.</param>
/// <param name="Members">Where the row is about members of the object at <paramref name="Path"/>: their names, separated by spaces.</param>
/// <param name="Namespaces">The answer of <c>namespaces</c>.</param>
/// <param name="Vm">The answer of <c>vm</c>.</param>
/// <param name="Test">The test that shows it, as <c>Class.Method</c>; <c>FieldTests</c> alone is the case of that class with the row's path; empty where there is none.</param>
internal sealed record FieldRow(string Path, string Members, Answer Namespaces, Answer Vm, string Test)
{
    /// <summary>Every JSON path that the row answers for.</summary>
    internal string[] Paths => Members.Length == 0 ? [Path] : Array.ConvertAll(Members.Split(' '), member => $"{Path}.{member}");

    internal Answer For(Isolation isolation) => isolation == Isolation.Vm ? Vm : Namespaces;
}
