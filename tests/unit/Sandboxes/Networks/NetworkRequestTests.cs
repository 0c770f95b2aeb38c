using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class NetworkRequestTests
{
    private static readonly VmConfiguration s_configured = new();

    [Fact]
    public void Traffic_filter_is_the_default_and_the_annotation_outweighs_the_configuration()
    {
        Assert.Equal(NetworkModel.TcFilter, NetworkRequest.Of(Spec("{\"type\": \"network\"}"), s_configured).Model);
        Assert.Equal(NetworkModel.None, NetworkRequest.Of(Spec(""), s_configured with { Network = "none" }).Model);
        Assert.Equal(
            NetworkModel.TcFilter,
            NetworkRequest.Of(Spec("{\"type\": \"network\"}", "\"io.caisson.network\": \"tcfilter\""), s_configured with { Network = "none" }).Model);
    }

    [Fact]
    public void Only_hooks_that_run_while_the_namespaces_are_made_bring_interfaces()
    {
        const string Network = "{\"type\": \"network\"}";
        Assert.True(NetworkRequest.Of(Spec(Network, hooks: "prestart"), s_configured).IsMadeByHooks);
        Assert.True(NetworkRequest.Of(Spec(Network, hooks: "createRuntime"), s_configured).IsMadeByHooks);
        Assert.False(NetworkRequest.Of(Spec(Network, hooks: "poststop"), s_configured).IsMadeByHooks);
        Assert.False(NetworkRequest.Of(Spec(Network, "\"io.caisson.network\": \"none\"", "prestart"), s_configured).IsMadeByHooks);
    }

    [Theory]
    [InlineData("", "no network namespace")]
    [InlineData("{\"type\": \"network\", \"path\": \"/proc/self/ns/net\"}", "/proc/self/ns/net is the host's")]
    public void Hosts_network_is_refused(string ns, string why) =>
        Assert.Contains(why, Assert.Throws<SandboxException>(() => NetworkRequest.Of(Spec(ns), s_configured)).Message, StringComparison.Ordinal);

    [Fact]
    public void Rates_are_bits_per_second()
    {
        const string Rates = "\"io.caisson.network.inbound-rate\": \"1000000\", \"io.caisson.network.outbound-rate\": \"0\"";
        NetworkRequest request = NetworkRequest.Of(Spec("{\"type\": \"network\"}", Rates), s_configured);
        Assert.Equal((1_000_000UL, 0UL), (request.Inbound, request.Outbound));
        foreach (string wrong in (string[])["", "-1", "1M", "7999", "99999999999999999999"])
        {
            Assert.Throws<SandboxException>(() => NetworkRequest.Of(Spec("{\"type\": \"network\"}", $"\"io.caisson.network.inbound-rate\": \"{wrong}\""), s_configured));
        }
    }

    private static OciSpec Spec(string ns, string annotations = "", string? hooks = null)
    {
        string hook = hooks is null ? "" : $", \"hooks\": {{\"{hooks}\": [{{\"path\": \"/bin/true\"}}]}}";
        return SpecReader.Parse(
            System.Text.Encoding.UTF8.GetBytes(
                $"{{\"ociVersion\": \"1.0.2\", \"annotations\": {{{annotations}}}{hook}, \"linux\": {{\"namespaces\": [{ns}]}}}}"),
            "config.json");
    }
}
