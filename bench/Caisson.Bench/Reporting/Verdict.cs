namespace Caisson.Bench;

/// <summary>A figure, and what it was to be.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Measured">The figure.</param>
/// <param name="Limit">What it may be at most.</param>
/// <param name="Unit">Such as "MB"; empty for a ratio.</param>
internal sealed record Verdict(string What, double Measured, double Limit, string Unit)
{
    internal bool IsMet => Measured <= Limit;

    public override string ToString() =>
        $"{What,-58} {Measured,8:0.00} {Unit,-2} (at most {Limit:0.##}{(Unit.Length > 0 ? " " + Unit : "")})  {(IsMet ? "met" : "NOT MET")}";
}
