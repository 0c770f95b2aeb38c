using System.Text;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class ConfigurationReaderTests
{
    [Fact]
    public void Every_key_is_read()
    {
        Configuration read = Parse(
            """
            {
              // comments are fine
              "isolation": "namespaces",
              "allowedAnnotations": ["io.caisson.isolation"],
              "vm": { "qemu": "/q", "virtiofsd": "/v", "kernel": "/k", "initrd": "/i", "accelerator": "tcg", "vcpus": 2, "memoryMiB": 512 },
            }
            """);

        Assert.Equal(Isolation.Namespaces, read.Isolation);
        Assert.True(read.AllowsAnnotation("io.caisson.isolation"));
        Assert.False(read.AllowsAnnotation("io.caisson.network"));
        Assert.Equal(
            new VmConfiguration { Qemu = "/q", Virtiofsd = "/v", Kernel = "/k", Initrd = "/i", Accelerator = "tcg", Vcpus = 2, MemoryMiB = 512 },
            read.Vm);
    }

    [Fact]
    public void A_later_file_replaces_only_the_keys_it_has()
    {
        Configuration first = Parse("""{ "isolation": "namespaces", "vm": { "vcpus": 2 } }""");

        Configuration second = ConfigurationReader.Parse("b.json", Encoding.UTF8.GetBytes("""{ "vm": { "memoryMiB": 512 } }"""), first);

        Assert.Equal(Isolation.Namespaces, second.Isolation);
        Assert.Equal(2, second.Vm.Vcpus);
        Assert.Equal(512, second.Vm.MemoryMiB);
    }

    [Theory]
    [InlineData("[]", "a.json: the file: expected an object")]
    [InlineData("""{ "isolaton": "vm" }""", "a.json: isolaton: unknown key")]
    [InlineData("""{ "isolation": "docker" }""", "a.json: isolation: expected vm, namespaces or kernel")]
    [InlineData("""{ "vm": { "vcpus": 0 } }""", "a.json: vm.vcpus: expected a whole number from 1 to")]
    [InlineData("""{ "vm": { "qemu": "qemu" } }""", "a.json: vm.qemu: expected an absolute path")]
    [InlineData("""{ "vm": { "accelerator": "hvf" } }""", "a.json: vm.accelerator: expected one of auto, kvm, tcg")]
    [InlineData("""{ "allowedAnnotations": [1] }""", "a.json: allowedAnnotations: expected a list of texts")]
    [InlineData("""{ "a\nb": 1 }""", "a.json: a?b: unknown key")]
    [InlineData("""{ "\ud800": "vm" }""", "a.json: a name or a text in it is not Unicode")]
    [InlineData("""{ "vm": { "kernelParameters": ["\udc00"] } }""", "a.json: a name or a text in it is not Unicode")]
    [InlineData("{\n  \"isolation\" }", "a.json: not JSON at line 2")]
    public void A_mistake_is_told_by_file_and_key(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<SandboxException>(() => Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_was_named_must_exist() => Assert.Throws<SandboxException>(() => ConfigurationReader.Read("/nonexistent/caisson.json"));

    private static Configuration Parse(string text) => ConfigurationReader.Parse("a.json", Encoding.UTF8.GetBytes(text), Configuration.Empty);
}
