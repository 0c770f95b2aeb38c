namespace Caisson.Sandboxes;

/// <summary>
/// Every field of config.json and what each isolation does with it: the source of docs/compatibility.md. A field that the reader knows
/// and that has no row here fails a test, and so does a row that says no without a <see cref="Refusal"/>.
/// </summary>
internal static partial class FieldTable
{
    private const string Cases = "FieldTests";
    private const string Seen = "ConfigurationTests.";

    private static Answer Yes => Answer.Yes;

    /// <summary>The table, by parts.</summary>
    internal static IReadOnlyList<(string Title, IReadOnlyList<FieldRow> Rows)> Parts { get; } =
    [
        ("The container", Container),
        ("The process", Process),
        ("Hooks", Hooks),
        ("Linux: namespaces, devices and the rest", Linux),
        ("Linux: seccomp", Seccomp),
        ("Linux: resources", Resources),
        ("The virtual machine", Machine),
    ];

    private static FieldRow Both(string path, string test, string members = "") => new(path, members, Yes, Yes, test);

    private static FieldRow Row(string path, Answer namespaces, Answer vm, string test, string members = "") => new(path, members, namespaces, vm, test);
}
