namespace Caisson.Oci;

/// <summary>Commands that are run at points of the container's life, each list in its order.</summary>
public sealed partial record OciHooks
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciHooks() { }

    /// <summary>Deprecated form of createRuntime: runs in the runtime's namespaces, before CreateRuntime.</summary>
    public SpecList<OciHook> Prestart { get; init; } = [];

    /// <summary>In the runtime's namespaces, once the container's namespaces exist.</summary>
    public SpecList<OciHook> CreateRuntime { get; init; } = [];

    /// <summary>In the container's namespaces, before pivot_root(2).</summary>
    public SpecList<OciHook> CreateContainer { get; init; } = [];

    /// <summary>In the container, before the user's program.</summary>
    public SpecList<OciHook> StartContainer { get; init; } = [];

    /// <summary>In the runtime's namespaces, after the user's program was started.</summary>
    public SpecList<OciHook> Poststart { get; init; } = [];

    /// <summary>In the runtime's namespaces, after the container was deleted.</summary>
    public SpecList<OciHook> Poststop { get; init; } = [];
}

/// <summary>One command.</summary>
public sealed partial record OciHook
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciHook() { }

    /// <summary>The program, absolute.</summary>
    public string Path { get; init; } = "";

    /// <summary>Its arguments, the first being its name.</summary>
    public SpecList<string> Args { get; init; } = [];

    /// <summary>Its environment.</summary>
    public SpecList<string> Env { get; init; } = [];

    /// <summary>Seconds before it is killed.</summary>
    public int? Timeout { get; init; }
}
