namespace Caisson.UnitTests.Linux;

public sealed class ManagedCloneTests
{
    [Fact]
    public void Child_goes_on_in_managed_code_and_its_result_is_the_exit_code() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.ChildResult)));

    [Fact]
    public void Escaped_exception_ends_the_child_only() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.EscapedException)));

    [Fact]
    public void Child_is_in_the_namespaces_asked_for() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.NewNamespaces)));

    [Fact]
    public void Child_of_a_child_can_be_our_child() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.SiblingByParentFlag)));

    [Fact]
    public void Child_executes_a_prepared_program() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.ExecuteInChild)));

    [Fact]
    public void Own_executable_is_cloned_read_only() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.ProtectedSelf)));

    [Fact]
    public void Child_moves_itself_into_every_hierarchy() => Assert.Equal(0, Probe.Run(nameof(ManagedCloneProbes.JoinOwnCgroup)));
}
