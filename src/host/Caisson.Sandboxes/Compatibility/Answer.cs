namespace Caisson.Sandboxes;

/// <summary>What an isolation does with a field or a flag.</summary>
internal enum Honour
{
    /// <summary>As the specification has it.</summary>
    Yes,

    /// <summary>For some values; the others are refused by an error that names the field.</summary>
    Partly,

    /// <summary>By other means, or with another meaning, which the text tells.</summary>
    Translated,

    /// <summary>Refused by an error that names the field.</summary>
    No,
}

/// <summary>One isolation's answer to one field or flag.</summary>
/// <param name="Kind">Is it honoured?</param>
/// <param name="Text">How, or why not; empty for a plain yes. For <see cref="Honour.No"/> the refusal of the field says why.</param>
internal readonly record struct Answer(Honour Kind, string Text)
{
    internal static Answer Yes { get; } = new(Honour.Yes, "");

    internal static Answer No { get; } = new(Honour.No, "");

    internal static Answer YesWhere(string condition) => new(Honour.Yes, condition);

    internal static Answer Partly(string what) => new(Honour.Partly, what);

    internal static Answer As(string how) => new(Honour.Translated, how);

    internal static Answer Not(string why) => new(Honour.No, why);
}
