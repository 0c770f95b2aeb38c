namespace Caisson.Harness;

/// <summary>What stands between a container and the host. Its own enum, because tests know the product from outside only.</summary>
public enum Isolation
{
    Namespaces,
    Vm,
}

/// <summary>The isolations by their names.</summary>
public static class IsolationNames
{
    /// <summary>As <c>--isolation</c> takes it.</summary>
    public static string Flag(this Isolation isolation) => isolation == Isolation.Vm ? "vm" : "namespaces";
}
