using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class IsolationChoiceTests
{
    private static readonly Dictionary<string, string> s_asksForNamespaces = new() { [IsolationChoice.Annotation] = "namespaces" };

    [Fact]
    public void A_machine_is_the_default() => Assert.Equal(Isolation.Vm, Choice().For(null));

    [Fact]
    public void The_configuration_decides_where_nobody_else_does() =>
        Assert.Equal(Isolation.Namespaces, Choice(configured: Isolation.Namespaces).For(null));

    [Fact]
    public void The_flag_is_stronger_than_all_else() =>
        Assert.Equal(Isolation.Vm, (Choice(Isolation.Namespaces) with { Flag = "vm", Environment = "namespaces", ProgramName = "caisson-namespaces" }).For(null));

    [Fact]
    public void The_environment_is_stronger_than_the_name() =>
        Assert.Equal(Isolation.Namespaces, (Choice() with { Environment = "namespaces", ProgramName = "caisson-vm" }).For(null));

    [Fact]
    public void The_name_is_stronger_than_annotation_and_configuration() =>
        Assert.Equal(Isolation.Vm, (Choice(Isolation.Namespaces) with { ProgramName = "/usr/bin/caisson-vm" }).For(s_asksForNamespaces));

    [Fact]
    public void An_annotation_needs_leave()
    {
        SandboxException refused = Assert.Throws<SandboxException>(() => Choice().For(s_asksForNamespaces));

        Assert.Contains("allowedAnnotations", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_allowed_annotation_decides()
    {
        var allowing = new Configuration { AllowedAnnotations = [IsolationChoice.Annotation] };

        Assert.Equal(Isolation.Namespaces, new IsolationChoice { Configuration = allowing }.For(s_asksForNamespaces));
    }

    [Fact]
    public void An_unknown_name_never_falls_through_to_another_isolation()
    {
        Assert.Throws<SandboxException>(() => (Choice() with { Flag = "vms" }).For(null));
        Assert.Throws<SandboxException>(() => (Choice() with { Environment = "VM" }).For(null));
    }

    private static IsolationChoice Choice(Isolation? configured = null) => new() { Configuration = new Configuration { Isolation = configured } };
}
