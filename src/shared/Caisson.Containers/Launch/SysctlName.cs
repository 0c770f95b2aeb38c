namespace Caisson.Containers;

/// <summary>
/// The two ways to write the name of a kernel parameter (sysctl.d(5)): by the first separator, a dot or a slash, the other one is a
/// letter of a name, as in <c>net/ipv4/conf/eth0.1/forwarding</c>, which is <c>net.ipv4.conf.eth0/1.forwarding</c>.
/// </summary>
internal static class SysctlName
{
    /// <summary>With dots between the parts.</summary>
    internal static string Dotted(string name) => IsByDots(name) ? name : Swap(name);

    /// <summary>The file below /proc/sys.</summary>
    internal static string Path(string name) => "/proc/sys/" + (IsByDots(name) ? Swap(name) : name);

    private static bool IsByDots(string name)
    {
        int first = name.AsSpan().IndexOfAny('.', '/');
        return first < 0 || name[first] == '.';
    }

    private static string Swap(string name) => string.Create(name.Length, name, static (swapped, name) =>
    {
        for (int i = 0; i < swapped.Length; i++)
        {
            swapped[i] = name[i] switch { '.' => '/', '/' => '.', char other => other };
        }
    });
}
