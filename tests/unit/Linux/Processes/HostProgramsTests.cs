using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Processes;

public sealed class HostProgramsTests : IDisposable
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserExecute;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Program_of_the_path_comes_before_that_of_the_usual_places()
    {
        Write("sh", Executable);

        Assert.Equal(_scratch["sh"], HostPrograms.Find("sh", $"/nowhere:{_scratch.Path}:/bin"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/nowhere")]
    public void Program_is_found_without_a_path_that_leads_to_it(string? path) => Assert.EndsWith("/bin/sh", HostPrograms.Find("sh", path));

    [Fact]
    public void Program_that_nobody_has_is_not_found() => Assert.Null(HostPrograms.Find("caisson-no-such-program", _scratch.Path));

    [Fact]
    public void Directories_and_files_that_cannot_be_executed_are_passed_over()
    {
        Directory.CreateDirectory(_scratch["sh"]);
        Write("true", UnixFileMode.UserRead);

        Assert.EndsWith("/bin/sh", HostPrograms.Find("sh", _scratch.Path));
        Assert.EndsWith("/bin/true", HostPrograms.Find("true", _scratch.Path));
    }

    [Fact]
    public void Working_directory_is_no_place_for_programs()
    {
        const string Name = "caisson-planted";
        Write(Name, Executable);
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, _scratch.Path);
        Assert.True(File.Exists($"{relative}/{Name}"));

        Assert.Null(HostPrograms.Find(Name, $":.:{relative}:"));
    }

    private void Write(string name, UnixFileMode mode)
    {
        File.WriteAllText(_scratch[name], "");
        File.SetUnixFileMode(_scratch[name], mode);
    }
}
