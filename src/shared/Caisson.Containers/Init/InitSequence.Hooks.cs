using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

internal sealed partial class InitSequence
{
    // prestart and createRuntime run in the creator, with every mount in place and the old root still there; then createContainer here.
    private void RunCreationHooks(FileDescriptor root)
    {
        if (_spec.Hooks is not { } hooks)
        {
            return;
        }

        if (hooks.Prestart.Count + hooks.CreateRuntime.Count > 0)
        {
            _channel.Send(InitMessageKind.RunHooks);
            _channel.Expect(InitMessageKind.HooksDone);
        }

        if (hooks.CreateContainer.Count > 0)
        {
            // As runc has it: the host's paths still mean the host's files, and relative ones the container's.
            FileCalls.ChangeDirectory(root);
            HookRunner.Run("createContainer", hooks.CreateContainer, State(ContainerStatus.Creating));
        }
    }

    // Last before the workload, in all it has: root, user, capabilities.
    private void RunStartHooks()
    {
        if (_spec.Hooks is { StartContainer.Count: > 0 } hooks)
        {
            HookRunner.Run("startContainer", hooks.StartContainer, State(ContainerStatus.Created));
        }
    }

    private byte[] State(ContainerStatus status) =>
        HookState.Write(_request.Container, status, ProcessIdentity.OwnPid);
}
