using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Caisson.Oci;

namespace Caisson.UnitTests.Oci;

public sealed class DefaultSpecTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Default_specification_is_the_one_of_runc(bool rootless)
    {
        Assert.SkipUnless(FindRunc() is not null, "runc is not installed");
        string bundle = Directory.CreateTempSubdirectory("caisson-spec-").FullName;
        try
        {
            var start = new ProcessStartInfo(FindRunc()!, rootless ? ["spec", "--rootless"] : ["spec"]) { WorkingDirectory = bundle };
            using (Process runc = Process.Start(start)!)
            {
                runc.WaitForExit();
                Assert.Equal(0, runc.ExitCode);
            }
            JsonNode theirs = JsonNode.Parse(File.ReadAllText(Path.Combine(bundle, "config.json")))!;
            Assert.SkipUnless(theirs["ociVersion"]!.GetValue<string>() == DefaultSpec.OciVersion, "this runc is not 1.1");

            JsonNode ours = JsonNode.Parse(SpecWriter.Write(DefaultSpec.Create(rootless)))!;

            Assert.True(JsonNode.DeepEquals(theirs, ours), ours.ToJsonString());
            Assert.Equal(DefaultSpec.Create(rootless), SpecReader.ReadBundle(bundle));
        }
        finally
        {
            Directory.Delete(bundle, recursive: true);
        }
    }

    [Fact]
    public void Indented_form_is_tabbed_as_Go_has_it()
    {
        string text = Encoding.UTF8.GetString(SpecWriter.Write(DefaultSpec.Create(rootless: false), indented: true));

        Assert.StartsWith("{\n\t\"ociVersion\": \"1.0.2-dev\",\n\t\"root\": {\n\t\t\"path\": \"rootfs\",\n", text, StringComparison.Ordinal);
    }

    private static string? FindRunc() =>
        Array.Find(["/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc", "/usr/local/bin/runc"], File.Exists);
}
