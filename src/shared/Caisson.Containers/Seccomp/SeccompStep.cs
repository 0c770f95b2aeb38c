using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// When the filter is installed. Without no_new_privs the kernel wants CAP_SYS_ADMIN, so it comes before capabilities are dropped; with it,
/// as late as possible, so that a narrow profile need not allow what we ourselves still do.
/// </summary>
internal sealed class SeccompStep
{
    private readonly SeccompProgram? _program;
    private readonly SeccompFlags _flags;
    private readonly When _when;
    private readonly InitChannel _channel;

    private SeccompStep(SeccompProgram? program, SeccompFlags flags, When when, InitChannel channel)
    {
        _program = program;
        _flags = flags;
        _when = when;
        _channel = channel;
    }

    private enum When
    {
        BeforeUser,
        BeforeReady,
        BeforeExec,
    }

    internal static SeccompStep Prepare(OciSpec spec, OciProcess process, InitChannel channel)
    {
        if (spec.Linux?.Seccomp is not { } seccomp)
        {
            return new SeccompStep(null, SeccompFlags.None, When.BeforeExec, channel);
        }

        SeccompProgram program = Compile(seccomp);

        // A listener has to reach its agent while the creator is still there; startContainer hooks are to be filtered like the workload.
        When late = program.NeedsListener || spec.Hooks is { StartContainer.Count: > 0 } ? When.BeforeReady : When.BeforeExec;
        return new SeccompStep(program, SeccompConversion.Flags(seccomp), process.NoNewPrivileges ? late : When.BeforeUser, channel);
    }

    internal void BeforeUser() => Install(When.BeforeUser);

    internal void BeforeReady() => Install(When.BeforeReady);

    internal void BeforeExec() => Install(When.BeforeExec);

    private static SeccompProgram Compile(LinuxSeccomp seccomp)
    {
        try
        {
            SeccompProgram program = Seccomp.Compile(SeccompConversion.Profile(seccomp));
            return program.NeedsListener && string.IsNullOrEmpty(seccomp.ListenerPath)
                ? throw new ContainerException("seccomp: listenerPath is not set but SCMP_ACT_NOTIFY is used", Errno.EINVAL)
                : program;
        }
        catch (ArgumentException cause)
        {
            throw new ContainerException($"unable to init seccomp: {cause.Message}", Errno.EINVAL, cause);
        }
    }

    private void Install(When now)
    {
        if (_program is null || now != _when)
        {
            return;
        }

        try
        {
            if (!_program.NeedsListener)
            {
                _program.Install(_flags);
                return;
            }

            using FileFd listener = _program.InstallWithListener(_flags);
            _channel.SendNumber(InitMessageKind.SeccompListener, listener.Number);
            _channel.Expect(InitMessageKind.SeccompDelivered);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because("unable to init seccomp", cause);
        }
    }
}
