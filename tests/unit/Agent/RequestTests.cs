using Caisson.Agent;
using Caisson.Linux;
using Caisson.Protocol;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.UnitTests.Agent;

public sealed class RequestTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("ä")]
    public void Ids_that_mean_something_to_a_path_are_refused(string id) =>
        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => RequestFields.Id(id, "container_id")).Code);

    [Fact]
    public void Ids_are_names_of_a_limited_length()
    {
        string longest = new('a', RequestFields.MaxIdChars);

        Assert.Equal(longest, RequestFields.Id(longest, "container_id"));
        Assert.Equal("A-z_0.9+", RequestFields.Id("A-z_0.9+", "container_id"));
        Assert.Throws<TtrpcException>(() => RequestFields.Id(longest + "a", "container_id"));
        Assert.Equal("", RequestFields.OptionalId(""));
    }

    [Fact]
    public void Numbers_are_bounded()
    {
        Assert.Equal(64, RequestFields.Signal(64));
        Assert.Throws<TtrpcException>(() => RequestFields.Signal(0));
        Assert.Throws<TtrpcException>(() => RequestFields.Signal(65));
        Assert.Throws<TtrpcException>(() => RequestFields.Signal(uint.MaxValue));
        Assert.Equal(new WindowSize(65535, 1), RequestFields.WindowSize(65535, 1));
        Assert.Throws<TtrpcException>(() => RequestFields.WindowSize(65536, 1));
    }

    [Fact]
    public void Broken_specification_is_the_callers_fault_and_named()
    {
        var request = new CreateContainerRequest { ConfigJson = ByteString.CopyFromUtf8("{\"process\": 5}") };

        TtrpcException wrong = Assert.Throws<TtrpcException>(() => SpecDecoding.Spec(request));

        Assert.Equal(TtrpcCode.InvalidArgument, wrong.Code);
        Assert.Contains("process", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<TtrpcException>(() => SpecDecoding.Spec(new CreateContainerRequest()));
    }

    [Fact]
    public void Text_that_the_kernel_would_cut_is_refused_in_either_form()
    {
        var exec = new ExecProcessRequest { Process = new Caisson.Protocol.Wire.Process { Cwd = "/", Args = { "true" }, Env = { "A=b\0c" } } };
        var create = new CreateContainerRequest { Oci = new Caisson.Protocol.Wire.Spec { Hostname = "a\0b" } };

        Assert.Contains("without NUL", Assert.Throws<TtrpcException>(() => SpecDecoding.Process(exec)).Message, StringComparison.Ordinal);
        Assert.Contains("without NUL", Assert.Throws<TtrpcException>(() => SpecDecoding.Spec(create)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_is_believed_before_the_protobuf_form()
    {
        var request = new ExecProcessRequest
        {
            ProcessJson = ByteString.CopyFromUtf8("{\"args\": [\"json\"], \"cwd\": \"/\", \"user\": {\"uid\": 0, \"gid\": 0}}"),
            Process = new Caisson.Protocol.Wire.Process { Args = { "protobuf" }, Cwd = "/" },
        };

        Assert.Equal("json", SpecDecoding.Process(request).Args[0]);
        request.ProcessJson = ByteString.Empty;
        Assert.Equal("protobuf", SpecDecoding.Process(request).Args[0]);
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("/run/kata-containers")]
    [InlineData("/run/kata-containers/")]
    [InlineData("/run/kata-containers-other/file")]
    [InlineData("relative")]
    public void Files_are_copied_into_the_sandboxes_place_only(string path) =>
        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => FileCopy.RelativePath(path)).Code);

    [Theory]
    [InlineData("/etc")]
    [InlineData("/run/kata-containers/../../etc")]
    [InlineData("/run/kata-containers/./x")]
    [InlineData("/run/kata-containers/a\0b")]
    [InlineData("")]
    public void Nothing_is_mounted_elsewhere(string mountPoint)
    {
        var table = new StorageTable(ModuleGroups.Of(""));

        TtrpcException refused = Assert.Throws<TtrpcException>(() => table.Acquire(new Storage { Driver = "ephemeral", MountPoint = mountPoint }));

        Assert.Equal(TtrpcCode.InvalidArgument, refused.Code);
    }

    [Fact]
    public void Options_are_flags_or_the_file_systems()
    {
        Assert.Equal((MountFlags.MS_RDONLY | MountFlags.MS_NOEXEC, "size=1m,mode=700"), StorageOptions.Parse(["ro", "size=1m", "noexec", "mode=700", "rw"]));
        Assert.Equal((default(MountFlags), null), StorageOptions.Parse([]));
        Assert.Equal(0x1C0u, StorageOptions.Mode(["size=1m", "mode=0700"]));
        Assert.Throws<TtrpcException>(() => StorageOptions.Mode(["mode=9"]));
        Assert.Throws<TtrpcException>(() => StorageOptions.Mode(["mode=77777777777777777777"]));
    }
}
