using System.Text;

namespace Caisson;

/// <summary>A standard stream for code that writes to a <see cref="TextWriter"/>; each call is written at once.</summary>
internal sealed class StandardWriter(StandardStream stream) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => stream.Write(value.ToString());

    public override void Write(string? value) => stream.Write(value ?? "");

    public override void WriteLine(string? value) => stream.WriteLine(value ?? "");
}
