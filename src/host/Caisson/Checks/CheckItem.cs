namespace Caisson;

/// <summary>How much depends on something that was looked at.</summary>
internal enum CheckLevel
{
    /// <summary>It is there.</summary>
    Good,

    /// <summary>It is not, and something is slower or impossible, but containers run.</summary>
    Limited,

    /// <summary>It is not, and the isolations named do not work.</summary>
    Missing,
}

/// <summary>Which isolations need something.</summary>
[Flags]
internal enum CheckScope
{
    None = 0,
    Namespaces = 1,
    Vm = 2,
    Both = Namespaces | Vm,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What.</param>
/// <param name="Level">How it is.</param>
/// <param name="Scope">Who needs it.</param>
/// <param name="Found">What was found, in a few words.</param>
/// <param name="Remedy">How to mend it; empty where there is nothing to mend.</param>
internal sealed record CheckItem(string Name, CheckLevel Level, CheckScope Scope, string Found, string Remedy = "")
{
    internal static CheckItem Good(string name, CheckScope scope, string found) => new(name, CheckLevel.Good, scope, found);

    internal static CheckItem Need(bool there, string name, CheckScope scope, string found, string remedy) =>
        there ? Good(name, scope, found) : new CheckItem(name, CheckLevel.Missing, scope, found, remedy);

    internal static CheckItem Wish(bool there, string name, CheckScope scope, string found, string remedy) =>
        there ? Good(name, scope, found) : new CheckItem(name, CheckLevel.Limited, scope, found, remedy);
}
