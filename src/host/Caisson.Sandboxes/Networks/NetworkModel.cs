namespace Caisson.Sandboxes;

/// <summary>How a pod's interfaces reach into its virtual machine.</summary>
public enum NetworkModel
{
    /// <summary>Not at all: the machine has its loopback only.</summary>
    None,

    /// <summary>A TAP beside each interface; the traffic control of the host's kernel passes every frame from one to the other.</summary>
    TcFilter,
}

/// <summary>Models' names, as configuration and annotation give them.</summary>
public static class NetworkModelName
{
    /// <summary>What can be chosen, for messages.</summary>
    public const string All = "tcfilter, none";

    // Known elsewhere, and asked for by name: better refused as missing than as unknown.
    private static readonly string[] s_missing = ["macvtap", "l3", "host"];

    internal static string Of(NetworkModel model) => model == NetworkModel.TcFilter ? "tcfilter" : "none";

    /// <exception cref="SandboxException">There is no such model, or not yet.</exception>
    internal static NetworkModel Parse(string name, string where) => name switch
    {
        "tcfilter" => NetworkModel.TcFilter,
        "none" => NetworkModel.None,
        "host" => throw new SandboxException(
            $"{where}: host: a virtual machine has a network stack of its own and cannot share the host's; possible are {All}; or use --isolation namespaces"),
        _ when Array.IndexOf(s_missing, name) >= 0 => throw new SandboxException($"{where}: {name}: this network model is not there yet; possible are {All}"),
        _ => throw new SandboxException($"{where}: {name}: there is no such network model; possible are {All}"),
    };
}
