using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>spec</c>: a config.json to begin with.</summary>
internal sealed class SpecCommand : Command
{
    internal override string Name => "spec";

    internal override string Summary => "write a config.json to begin with";

    internal override string Usage => "[options]";

    internal override string Description => "Writes config.json, a container that runs `sh` in the directory rootfs, with a terminal.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Text(CreationFlags.Bundle, "DIR", "the bundle's directory (default: the current one)", 'b'),
        Flag.Switch("rootless", "for a container of an unprivileged user: with a user namespace, without cgroups"),
    ];

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        string bundle = invocation.Flags.Text(CreationFlags.Bundle) is { Length: > 0 } given ? given : ".";
        string path = Path.Combine(bundle, SpecReader.ConfigFileName);
        OciSpec spec = DefaultSpec.Create(invocation.Flags.IsSet("rootless"), UserIds.EffectiveUser, UserIds.EffectiveGroup);
        byte[] bytes = SpecWriter.Write(spec, indented: true);
        try
        {
            using FileFd file = FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0x1B6 /* 0666 */);
            file.WriteAll(bytes);
            return 0;
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EEXIST)
        {
            throw new SandboxException($"File {SpecReader.ConfigFileName} exists. Remove it first", cause);
        }
    }
}
