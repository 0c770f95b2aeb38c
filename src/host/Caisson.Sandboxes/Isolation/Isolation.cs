namespace Caisson.Sandboxes;

/// <summary>What stands between a workload and the host.</summary>
public enum Isolation
{
    /// <summary>A virtual machine with a kernel of its own.</summary>
    Vm,

    /// <summary>The host kernel's namespaces, cgroups and seccomp, for workloads that are trusted.</summary>
    Namespaces,

    /// <summary>An application kernel in user space.</summary>
    Kernel,
}

/// <summary>The names by which people, configurations and annotations call isolations.</summary>
public static class IsolationName
{
    /// <summary>The names, for messages.</summary>
    public const string All = "vm, namespaces or kernel";

    public static string Of(Isolation isolation) => isolation switch
    {
        Isolation.Vm => "vm",
        Isolation.Namespaces => "namespaces",
        Isolation.Kernel => "kernel",
        _ => throw new ArgumentOutOfRangeException(nameof(isolation), isolation, null),
    };

    public static bool TryParse(string? name, out Isolation isolation)
    {
        isolation = name switch
        {
            "namespaces" => Isolation.Namespaces,
            "kernel" => Isolation.Kernel,
            _ => Isolation.Vm,
        };
        return name is "vm" or "namespaces" or "kernel";
    }
}
