using System.Text;

namespace Caisson.Linux;

/// <summary>What uname(2) tells.</summary>
/// <param name="System">Linux.</param>
/// <param name="NodeName">The host name of the UTS namespace.</param>
/// <param name="Release">Such as 6.1.0-18-amd64.</param>
/// <param name="Version">The build.</param>
/// <param name="Machine">Such as x86_64.</param>
public sealed record KernelIdentity(string System, string NodeName, string Release, string Version, string Machine)
{
    private const int SysUname = 63;
    private const int FieldBytes = 65; // __NEW_UTS_LEN + 1
    private const int Fields = 6;

    /// <summary>Asks the kernel.</summary>
    public static unsafe KernelIdentity Read()
    {
        byte* names = stackalloc byte[FieldBytes * Fields];
        // SAFETY: struct new_utsname is six fields of 65 bytes, as this frame's buffer.
        Libc.Check(Libc.syscall(SysUname, (long)names), "uname");
        string Field(int index)
        {
            var field = new ReadOnlySpan<byte>(names + (index * FieldBytes), FieldBytes);
            return Encoding.UTF8.GetString(field[..Math.Max(field.IndexOf((byte)0), 0)]);
        }

        return new KernelIdentity(Field(0), Field(1), Field(2), Field(3), Field(4));
    }
}
