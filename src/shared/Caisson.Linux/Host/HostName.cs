using System.Runtime.InteropServices;
using System.Text;

namespace Caisson.Linux;

/// <summary>The names of the UTS namespace.</summary>
public static class HostName
{
    /// <summary>sethostname(2).</summary>
    /// <param name="name">At most 64 bytes.</param>
    public static void Set(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Libc.Check(Libc.sethostname(name, (nuint)Encoding.UTF8.GetByteCount(name)), $"sethostname({name})");
    }

    /// <summary>setdomainname(2).</summary>
    /// <param name="name">At most 64 bytes.</param>
    public static void SetDomain(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Libc.Check(Libc.setdomainname(name, (nuint)Encoding.UTF8.GetByteCount(name)), $"setdomainname({name})");
    }
}

internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int sethostname(string name, nuint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setdomainname(string name, nuint length);
}
