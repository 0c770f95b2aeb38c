using System.Globalization;
using System.Text;

namespace Caisson.Linux;

/// <summary>Session keyrings, keyctl(2): a container gets its own, or its processes could read the caller's keys.</summary>
public static class Keyring
{
    private const int KEYCTL_JOIN_SESSION_KEYRING = 1;
    private const int KEYCTL_SETPERM = 5;
    private const int KEYCTL_DESCRIBE = 6;

    /// <summary>Joins or makes a session keyring of this name.</summary>
    /// <param name="name">Null makes an anonymous one.</param>
    /// <param name="serial">Its serial number.</param>
    /// <param name="why">ENOSYS where the kernel has no keys; EDQUOT where a quota is reached.</param>
    public static bool TryJoinSession(string? name, out int serial, out Errno why)
    {
        serial = (int)Libc.keyctl_text(250, KEYCTL_JOIN_SESSION_KEYRING, name);
        why = serial < 0 ? Libc.LastError : Errno.None;
        return serial >= 0;
    }

    /// <summary>Adds permissions to a key (keyctl(2): for instance 0x080000, the user may search).</summary>
    public static bool TryAddPermissions(int serial, uint permissions, out Errno why)
    {
        byte[] description = new byte[512];
        long length = Libc.keyctl_describe(250, KEYCTL_DESCRIBE, serial, description, (nuint)description.Length);
        if (length < 0)
        {
            why = Libc.LastError;
            return false;
        }

        // type;uid;gid;permissions in hex;name
        string[] fields = Encoding.UTF8.GetString(description, 0, (int)Math.Min(length, description.Length)).Split(';');
        if (fields.Length < 5 || !uint.TryParse(fields[3], NumberStyles.HexNumber, null, out uint present))
        {
            why = Errno.EBADMSG;
            return false;
        }

        long result = Libc.keyctl(250, KEYCTL_SETPERM, serial, present | permissions);
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }
}
