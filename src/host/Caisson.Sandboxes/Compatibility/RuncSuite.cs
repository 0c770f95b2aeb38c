namespace Caisson.Sandboxes;

/// <summary>A test of runc's own suite that does not pass with Caisson.</summary>
/// <param name="Test">The suite's file and the test's title, as <c>update.bats: update rt period</c>.</param>
/// <param name="Isolation">The isolation it was run with.</param>
/// <param name="Reason">Why it does not pass, and whether it should.</param>
internal sealed record SuiteFailure(string Test, Isolation Isolation, string Reason);

/// <summary>runc's integration suite (tag v1.1.5), run as a peer's: what of the tests that runc itself passes does not pass here.</summary>
internal static class RuncSuite
{
    internal static readonly SuiteFailure[] Failures = [];
}
