using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

public sealed class GuestImageBuilderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _progress = [];

    public GuestImageBuilderTests()
    {
        _directory.Write("agent", [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]);
        _directory.Write("vmlinux", ForeignElf.Kernel([1, 2, 3]));
        foreach (string name in GuestModules.Groups.Where(group => group.Required).SelectMany(group => group.Modules))
        {
            _directory.Write($"modules/{name}.ko", ForeignElf.Module("depends=", "vermagic=6.1.0-test SMP"));
        }
    }

    private GuestImageOptions Options => new()
    {
        KernelImage = Path.Combine(_directory.Path, "vmlinux"),
        ModulesDirectory = Path.Combine(_directory.Path, "modules"),
        AgentPath = Path.Combine(_directory.Path, "agent"),
        OutputDirectory = Path.Combine(_directory.Path, "out/guest"),
    };

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Second_build_from_the_same_inputs_writes_nothing()
    {
        GuestImageResult first = GuestImageBuilder.Build(Options, _progress.Add);
        DateTime written = File.GetLastWriteTimeUtc(first.InitrdPath);
        GuestImageResult second = GuestImageBuilder.Build(Options, _progress.Add);
        Assert.False(first.WasUpToDate);
        Assert.True(second.WasUpToDate);
        Assert.Equal(written, File.GetLastWriteTimeUtc(second.InitrdPath));
    }

    [Fact]
    public void Changed_agent_or_command_line_or_a_lost_output_is_built_again()
    {
        GuestImageResult result = GuestImageBuilder.Build(Options, _progress.Add);
        _directory.Write("agent", [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 9]);
        Assert.False(GuestImageBuilder.Build(Options, _progress.Add).WasUpToDate);
        Assert.False(GuestImageBuilder.Build(Options with { KernelCommandLineDefaults = "debug" }, _progress.Add).WasUpToDate);
        File.Delete(result.KernelPath);
        Assert.False(GuestImageBuilder.Build(Options with { KernelCommandLineDefaults = "debug" }, _progress.Add).WasUpToDate);
        Assert.False(GuestImageBuilder.Build(Options with { Force = true }, _progress.Add).WasUpToDate);
    }

    [Fact]
    public void Damaged_record_is_not_believed()
    {
        GuestImageResult result = GuestImageBuilder.Build(Options, _progress.Add);
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(result.KernelPath)!, BuildRecord.FileName), "{\"inputs\": 7}");
        Assert.False(GuestImageBuilder.Build(Options, _progress.Add).WasUpToDate);
    }

    [Fact]
    public void Failed_build_leaves_no_temporary_file()
    {
        _directory.Write("vmlinux", [1, 2, 3]);
        Assert.Throws<GuestImageException>(() => GuestImageBuilder.Build(Options, _progress.Add));
        Assert.DoesNotContain(Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Agent_that_is_no_executable_is_refused()
    {
        _directory.Write("agent", "#!/bin/sh"u8.ToArray());
        Assert.Contains("not an ELF executable", Assert.Throws<GuestImageException>(() => GuestImageBuilder.Build(Options, _progress.Add)).Message);
    }

    [Fact]
    public void Packed_package_is_refused_with_the_command_that_unpacks_it()
    {
        string package = _directory.Write("kernel.deb", "!<arch>\ndebian-binary"u8.ToArray());
        var error = Assert.Throws<GuestImageException>(() => GuestImageBuilder.Build(Options with { KernelImage = package }, _progress.Add));
        Assert.Contains("dpkg-deb -x", error.Message);
    }

    [Theory]
    [InlineData(new[] { "--modules", "x" }, "--kernel is missing")]
    [InlineData(new[] { "--kernel" }, "--kernel needs a value")]
    [InlineData(new[] { "--kernel=/nowhere", "--frobnicate" }, "unknown argument --frobnicate")]
    [InlineData(new[] { "--kernel=/nowhere", "--agent=/nowhere" }, "find kernel /nowhere: no such file or directory")]
    public void Command_says_what_is_wrong_and_returns_one(string[] arguments, string message)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        Assert.Equal(1, GuestBuildCommand.Run(arguments, output, error));
        Assert.Contains(message, error.ToString());
        Assert.Empty(output.ToString());
    }
}
