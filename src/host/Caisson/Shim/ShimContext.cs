using Caisson.Linux;

namespace Caisson;

/// <summary>What the containers of a shim share.</summary>
/// <param name="Namespace">containerd's namespace.</param>
/// <param name="Reaper">Who reaps orphans.</param>
/// <param name="Events">Where events go; null where nobody is to be told.</param>
/// <param name="Log">The shim's messages.</param>
internal sealed record ShimContext(string Namespace, OrphanReaper Reaper, TaskEvents? Events, ShimLog Log)
{
    /// <summary>The records and backends, to be read; containers are made and changed by commands.</summary>
    internal static Runtime Runtime(ShimSettings settings)
    {
        (GlobalOptions globals, _, _) = CommandLineReader.ReadGlobals([.. settings.Globals, "state"]);
        return new Runtime(new Invocation(globals, new FlagValues(), [], new CommandLog(file: null, json: false, debug: false)));
    }
}
