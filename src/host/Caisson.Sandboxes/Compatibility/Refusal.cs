using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>A field that an isolation cannot honour: asked for and silently not given would be a lie.</summary>
/// <param name="Field">The JSON path of its row in <see cref="FieldTable"/>.</param>
/// <param name="Why">Why not, and what helps.</param>
/// <param name="Find">Where a configuration asks for it, as a concrete path and perhaps the value; null where it does not.</param>
internal sealed record Refusal(string Field, string Why, Func<OciSpec, string?> Find);
