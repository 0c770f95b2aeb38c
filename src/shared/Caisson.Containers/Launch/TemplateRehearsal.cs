using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// Does in vain what a request will need: code is paged in, tables are filled, and memory that a clone shares with its template becomes its own.
/// Under emulation that is most of the time that a request takes.
/// </summary>
internal static class TemplateRehearsal
{
    internal static void Run()
    {
        // First: it makes the memory shared again.
        using ClonedProcess nobody = ManagedClone.Run(new CloneRequest(), static () => 0);
        _ = nobody.PidFd.Wait();
        OciSpec spec = DefaultSpec.Create(rootless: false);
        OciProcess process = spec.Process! with { Terminal = false };
        (InitChannel creator, InitChannel init) = InitChannel.Pair(null);
        using (creator)
        using (init)
        {
            init.SendNumber(InitMessageKind.Pid, 0);
            _ = creator.Receive();
            VerbRequest.Rehearse(spec, process, init);
        }

        CapabilitySets own = Capabilities.GetAllButAmbient();
        _ = CapabilityPlan.Of(process.Capabilities, own, static _ => { });
        using PathFd root = PathFd.Open("/", OpenFlags.O_DIRECTORY);
        _ = new ProcessSetup(process, root, static _ => { }).Environment();
        using PreparedExec exec = PreparedExec.OfPath(ExecutableLookup.Find("/proc/self/exe", process.Env), process.Args, process.Env);
    }
}
