namespace Caisson.Sandboxes;

/// <summary>A property of a unit: its name, the type of its value, and how that is written.</summary>
internal sealed record UnitProperty(string Name, string Signature, Action<DBusWriter> Write)
{
    internal static UnitProperty Text(string name, string value) => new(name, "s", writer => writer.String(value));

    internal static UnitProperty Flag(string name, bool value) => new(name, "b", writer => writer.Boolean(value));

    internal static UnitProperty Number(string name, ulong value) => new(name, "t", writer => writer.UInt64(value));

    internal static UnitProperty Texts(string name, params string[] values) =>
        new(name, "as", writer => writer.Array(4, elements => Array.ForEach(values, value => elements.String(value))));

    internal static UnitProperty Pids(int pid) => new("PIDs", "au", writer => writer.Array(4, elements => elements.UInt32((uint)pid)));

    /// <summary>A set of CPUs or memory nodes, bit by bit.</summary>
    internal static UnitProperty Bits(string name, byte[] bits) =>
        new(name, "ay", writer => writer.Array(1, elements => elements.Raw(bits)));

    internal void WriteTo(DBusWriter writer)
    {
        writer.Structure().String(Name).Signature(Signature);
        Write(writer);
    }
}
