using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>A real distribution instead of one program: made by debootstrap, which takes a minute and the archive.</summary>
public sealed class DebianTests : ContainerTest
{
    private static readonly Lazy<string> s_debian = new(Bootstrap);

    [SoakTheory, Isolations]
    public void Debian_runs(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Edit(config => config["root"]!["path"] = s_debian.Value)
            .Arguments("/bin/bash", "-c", "source /etc/os-release; echo $ID; dpkg --list | grep -c ^ii; perl -e 'print 6 * 7, \"\\n\"'; cat | sha256sum");
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);

        run.Input.Write("hello\n"u8);
        string[] lines = run.CloseInput().Wait().Expect().Split('\n');

        Assert.Equal("debian", lines[0]);
        Assert.InRange(int.Parse(lines[1]), 50, 1000);
        Assert.Equal("42", lines[2]);
        Assert.StartsWith("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", lines[3]); // of "hello\n"
    }

    private static string Bootstrap()
    {
        string directory = Path.Combine(TestRun.Directory, "debian");
        using RunningCommand debootstrap = RunningCommand.Start("/usr/sbin/debootstrap", ["--variant=minbase", "bookworm", directory]);
        debootstrap.CloseInput().Wait().Expect();
        return directory;
    }
}
