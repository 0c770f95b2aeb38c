using System.Text;
using System.Text.Json.Nodes;
using Caisson.Oci;
using Caisson.Tests;

namespace Caisson.UnitTests.Oci;

public sealed class SpecReaderTests
{
    private static SpecException Refused(string json) =>
        Assert.Throws<SpecException>(() => SpecReader.Parse(Encoding.UTF8.GetBytes(json), "config.json"));

    private static OciSpec Parsed(string json) => SpecReader.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    [Fact]
    public void Every_field_of_a_rich_specification_survives_reading_and_writing()
    {
        byte[] written = SpecWriter.Write(RichSpec.Parsed);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(RichSpec.Json), JsonNode.Parse(written)), Encoding.UTF8.GetString(written));
    }

    [Fact]
    public void Rich_specification_reads_into_the_model()
    {
        OciSpec spec = RichSpec.Parsed;

        Assert.Equal("1.2.1", spec.OciVersion);
        Assert.Equal(["sh", "-c", "echo $0", ""], spec.Process!.Args);
        Assert.Equal(63u, spec.Process.User.Umask);
        Assert.Equal(ulong.MaxValue, spec.Process.Rlimits[0].Hard);
        Assert.Equal(new LinuxNamespace { Type = "pid", Path = "/proc/1234/ns/pid" }, spec.Linux!.Namespaces[0]);
        Assert.Null(spec.Linux.Namespaces[2].Path);
        Assert.Equal("1", spec.Linux.Sysctl["net.ipv4.ip_forward"]);
        Assert.Equal(-1, spec.Linux.Resources!.Memory!.Swap);
        Assert.False(spec.Linux.Resources.Memory.DisableOomKiller);
        Assert.Equal((ushort)0, spec.Linux.Resources.BlockIO!.LeafWeight);
        Assert.Equal(ulong.MaxValue, spec.Linux.Seccomp!.Syscalls[1].Args[0].ValueTwo);
        Assert.Equal(-172800, spec.Linux.TimeOffsets["monotonic"].Secs);
        Assert.Equal(3u, spec.Linux.Resources.Rdma["mlx5_1"].HcaHandles);
    }

    [Fact]
    public void Unknown_fields_are_ignored()
    {
        OciSpec spec = Parsed("""{"ociVersion":"1.0.0","windows":{"a":[{"b":{}}]},"process":{"commandLine":"x","cwd":"/","future":[1,2]}}""");

        Assert.Equal(new OciSpec { OciVersion = "1.0.0", Process = new OciProcess { Cwd = "/" } }, spec);
    }

    [Fact]
    public void Null_and_empty_mean_absent()
    {
        OciSpec spec = Parsed("""{"ociVersion":"1.0.0","hostname":"","linux":null,"mounts":null,"annotations":{},"process":{"args":[]}}""");

        Assert.Equal(new OciSpec { OciVersion = "1.0.0", Process = new OciProcess() }, spec);
    }

    [Fact]
    public void Escaped_field_names_are_the_same_fields()
    {
        Assert.Equal("box", Parsed("""{"host\u006eame":"box"}""").Hostname);
    }

    [Theory]
    [InlineData("""{"hostname":5}""", "config.json: hostname: expected a string, found the number 5")]
    [InlineData("""{"linux":{"namespaces":[{"type":"pid"},{},{"type":{}}]}}""", "config.json: linux.namespaces[1].type: expected a value (the field is required), found none")]
    [InlineData("""{"linux":{"namespaces":[{"type":"pid"},{"type":"uts"},{"type":{}}]}}""", "config.json: linux.namespaces[2].type: expected a string, found an object")]
    [InlineData("""{"linux":{"namespaces":{}}}""", "config.json: linux.namespaces: expected an array, found an object")]
    [InlineData("""{"linux":[]}""", "config.json: linux: expected an object, found an array")]
    [InlineData("""[]""", "config.json: expected an object, found an array")]
    [InlineData("""null""", "config.json: expected an object, found null")]
    [InlineData("""{"process":{"args":["a",null]}}""", "config.json: process.args[1]: expected a string, found null")]
    [InlineData("""{"process":{"terminal":"yes"}}""", "config.json: process.terminal: expected true or false, found \"yes\"")]
    [InlineData("""{"process":{"user":{"uid":-1}}}""", "config.json: process.user.uid: expected a whole number from 0 to 4294967295, found the number -1")]
    [InlineData("""{"process":{"user":{"uid":4294967296}}}""", "config.json: process.user.uid: expected a whole number from 0 to 4294967295, found the number 4294967296")]
    [InlineData("""{"process":{"user":{"uid":1.5}}}""", "config.json: process.user.uid: expected a whole number from 0 to 4294967295, found the number 1.5")]
    [InlineData("""{"process":{"oomScoreAdj":1e99}}""", "config.json: process.oomScoreAdj: expected a whole number of 32 bits, found the number 1e99")]
    [InlineData("""{"process":{"oomScoreAdj":true}}""", "config.json: process.oomScoreAdj: expected a whole number of 32 bits, found true")]
    [InlineData("""{"annotations":{"a.b/c":1}}""", "config.json: annotations[\"a.b/c\"]: expected a string, found the number 1")]
    [InlineData("""{"hostname":"a","hostname":"b"}""", "config.json: hostname: expected one value, found the field a second time")]
    [InlineData("""{"linux":{"sysctl":{"a":"1","a":"1"}}}""", "config.json: linux.sysctl.a: expected one value, found the key a second time")]
    [InlineData("""{"process":{"args":["a\u0000b"]}}""", "config.json: process.args[0]: expected a string without NUL, found \"a\\u0000b\"")]
    [InlineData("""{"process":{"args":["\ud800"]}}""", "config.json: process.args[0]: expected text of whole characters, found half a surrogate pair")]
    [InlineData("""{"process":{"\ud800":1}}""", "config.json: process[\"\\ufffd\"]: expected text of whole characters, found half a surrogate pair")]
    public void Wrong_field_is_named(string json, string message)
    {
        SpecException refused = Refused(json);
        Assert.Equal(message.Replace("[\"\\ufffd\"]", "[\"?\"]", StringComparison.Ordinal), refused.Message);
    }

    [Theory]
    [InlineData("", "", "the end of the document at line 1, byte 1")]
    [InlineData("{", "", "the end of the document at line 1, byte 2")]
    [InlineData("{} x", "", "'x' at line 1, byte 4")]
    [InlineData("{}\n{}", "", "'{' at line 2, byte 1")]
    [InlineData("{\"linux\":{\n\"sysctl\":{\"a\":}}}", "linux.sysctl.a", "'}' at line 2, byte 15")]
    [InlineData("{\"mounts\":[{\"destination\":\"/\"},]}", "mounts[0]", "']' at line 1, byte 32")]
    [InlineData("// comment", "", "'/' at line 1, byte 1")]
    [InlineData("not json", "", "'o' at line 1, byte 2")]
    public void What_is_not_JSON_is_refused_with_its_place(string json, string path, string found)
    {
        SpecException refused = Refused(json);

        Assert.Equal((path, found), (refused.JsonPath, refused.Found));
    }

    [Fact]
    public void Invalid_UTF8_is_refused_even_in_unknown_fields()
    {
        byte[] document = [.. "{\"unknown\":\""u8, 0xff, .. "\"}"u8];

        SpecException refused = Assert.Throws<SpecException>(() => SpecReader.Parse(document, "config.json"));

        Assert.Equal("config.json: unknown: expected UTF-8, found byte 0xff at offset 12", refused.Message);
    }

    [Fact]
    public void Depth_and_size_are_bounded()
    {
        Assert.Contains("levels", Refused("{\"unknown\":" + new string('[', 100)).Message, StringComparison.Ordinal);
        Assert.Contains("bytes", Refused(new string(' ', SpecLimits.MaxDocumentBytes + 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_bundle_configuration_is_told_in_the_words_engines_know()
    {
        SpecException refused = Assert.Throws<SpecException>(() => SpecReader.ReadBundle("/nonexistent"));

        Assert.Equal("JSON specification file config.json not found", refused.Message);
    }

    [Fact]
    public void Directory_is_not_a_specification()
    {
        Assert.Equal("JSON specification file / cannot be read: is a directory", Assert.Throws<SpecException>(() => SpecReader.Read("/")).Message);
    }

    [Fact]
    public void Bare_process_and_bare_resources_are_read()
    {
        OciSpec spec = RichSpec.Parsed;

        Assert.Equal(spec.Process, SpecReader.ParseProcess(SpecWriter.Write(spec.Process!), "process.json"));
        Assert.Equal(spec.Linux!.Resources, SpecReader.ParseResources(SpecWriter.Write(spec.Linux.Resources!), "-"));
    }

    [Fact]
    public void File_is_read_as_memory_is()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, RichSpec.Bytes);
            Assert.Equal(RichSpec.Parsed, SpecReader.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
