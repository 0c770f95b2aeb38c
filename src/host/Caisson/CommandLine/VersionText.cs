using System.Reflection;

namespace Caisson;

/// <summary>The versions of this program and of the specification it implements.</summary>
internal static class VersionText
{
    /// <summary>The version of the OCI runtime specification that config.json is read by.</summary>
    internal const string Spec = "1.2.0";

    /// <summary>The program's version, from the build.</summary>
    internal static string Program => Parts().Version;

    /// <summary>The commit it was built from; <c>unknown</c> outside a repository.</summary>
    internal static string Commit => Parts().Commit;

    /// <summary>As Docker's daemon parses it at its start: a first line of name and version, and a line of the specification's.</summary>
    internal static string ForEngines() => $"caisson version {Program}\ncommit: {Commit}\nspec: {Spec}\n";

    private static (string Version, string Commit) Parts()
    {
        string full = typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        int plus = full.IndexOf('+');
        return plus < 0 ? (full, "unknown") : (full[..plus], full[(plus + 1)..]);
    }
}
