using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>update</c>: other limits for a container that exists.</summary>
internal sealed class UpdateCommand : Command
{
    internal override string Name => "update";

    internal override string Summary => "change the resource limits of a container";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description =>
        "With --resources, the limits are a `linux.resources` object of the OCI specification (what is left out\nstays), and all other options are ignored.";

    internal override IReadOnlyList<Flag> Flags => UpdateFlags.All;

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        LinuxResources resources = invocation.Flags.Text("resources") is { Length: > 0 } file
            ? ReadResources(file)
            : UpdateFlags.Read(invocation.Flags);
        SpecValidator.ValidateResources(resources).ThrowIfInvalid("resources");
        if (invocation.Flags.IsGiven("kernel-memory") || invocation.Flags.IsGiven("kernel-memory-tcp"))
        {
            invocation.Log.Warning("Kernel memory settings are ignored and will be removed");
        }

        using LockedContainer container = runtime.LoadLocked(invocation.Arguments[0], Name);
        if (container.Backend.Look(container.Record).Status == ContainerStatus.Stopped)
        {
            throw new SandboxException("container not running");
        }

        container.Backend.Update(container.Record, resources);
        return 0;
    }

    private static LinuxResources ReadResources(string file)
    {
        if (file != "-")
        {
            return SpecReader.ReadResources(file);
        }

        using FileFd input = FileCalls.Open("/dev/stdin", OpenFlags.O_RDONLY);
        return SpecReader.ParseResources(input.ReadToEnd(SpecLimits.MaxDocumentBytes), "standard input");
    }
}
