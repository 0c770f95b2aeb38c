using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Namespaces;

public sealed class NetworkNamespaceAheadTests
{
    [Fact]
    public void Namespace_is_new_and_nobody_of_us_is_in_it() => Scratch.OnThread(() =>
    {
        using NetworkNamespaceAhead ahead = NetworkNamespaceAhead.TryBegin()!;
        NamespaceFd made = ahead.Finish()!;
        Assert.Same(made, ahead.Finish());

        using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        Assert.Equal(NamespaceKinds.Network, made.Kind);
        Assert.False(NamespaceCalls.AreSame(own, made));
        Assert.Equal(["lo"], NamespaceCalls.InNetwork(made, InterfaceNames));
    });

    // The child is a process of its own to waitid(2): none is left, whether anybody waited for it or not.
    [Fact]
    public void What_is_not_used_leaves_neither_child_nor_namespace() => Scratch.OnThread(() =>
    {
        for (int i = 0; i < 20; i++)
        {
            NetworkNamespaceAhead.TryBegin()!.Dispose();
        }

        NetworkNamespaceAhead ahead = NetworkNamespaceAhead.TryBegin()!;
        NamespaceFd made = ahead.Finish()!;
        ahead.Dispose();
        ahead.Dispose();

        Assert.True(made.IsClosed);
        Assert.Equal("", File.ReadAllText("/proc/thread-self/children"));
    });

    // As in a foreground command, which reaps the workload's orphans.
    [Fact]
    public void Maker_that_somebody_else_has_reaped_has_made_it_nevertheless() => Scratch.OnThread(() =>
    {
        using NetworkNamespaceAhead ahead = NetworkNamespaceAhead.TryBegin()!;
        ProcessWait.Wait(int.Parse(File.ReadAllText("/proc/thread-self/children"), System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(NamespaceKinds.Network, ahead.Finish()!.Kind);
    });

    [Fact]
    public void Without_the_privilege_there_is_none() => Scratch.OnThread(() =>
    {
        CapabilitySets sets = Capabilities.GetAllButAmbient();
        Capabilities.Apply(sets with { Effective = new CapabilitySet(sets.Effective.Bits & ~(1UL << (int)Capability.CAP_SYS_ADMIN)) });

        using NetworkNamespaceAhead? ahead = NetworkNamespaceAhead.TryBegin();

        Assert.Null(ahead!.Finish());
    });

    private static List<string> InterfaceNames()
    {
        var names = new List<string>();
        foreach (string line in File.ReadAllLines("/proc/thread-self/net/dev")[2..])
        {
            names.Add(line.Split(':')[0].Trim());
        }

        return names;
    }
}
