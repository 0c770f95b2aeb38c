namespace Caisson;

/// <summary>One command line, read: the command's own part of it, and the flags that stand before every command.</summary>
/// <param name="Globals">The flags before the command.</param>
/// <param name="Flags">The command's flags.</param>
/// <param name="Arguments">Its arguments, as many as it takes.</param>
/// <param name="Log">Where messages go.</param>
internal sealed record Invocation(GlobalOptions Globals, FlagValues Flags, IReadOnlyList<string> Arguments, CommandLog Log);
