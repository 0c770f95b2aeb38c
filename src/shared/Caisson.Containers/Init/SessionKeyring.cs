using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>A session keyring of the container's own: without it, a workload reads the keys of whoever started it.</summary>
internal static class SessionKeyring
{
    // KEY_POS… of keyctl(2): the user of the key may search it, so that an exec of another user finds it too (as runc does).
    private const uint UserSearch = 0x00080000;

    internal static void Join(string containerId, Action<string> warn)
    {
        if (!Keyring.TryJoinSession($"_ses.{containerId}", out int serial, out Errno why))
        {
            if (why != Errno.ENOSYS)
            {
                warn($"no session keyring: {ContainerException.GoWords(why)}");
            }

            return;
        }

        _ = Keyring.TryAddPermissions(serial, UserSearch, out _);
    }
}
