using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Hardening;

/// <summary>Mount destinations, /proc, /dev and masked paths, against an image or a neighbour with a shared volume.</summary>
public sealed class MountAttackTests : ContainerTest
{
    private const int Rounds = 25;

    // CVE-2021-30465 (a mount lands outside of the root) and CVE-2024-45310 (a directory or file is made outside of it).
    [Theory, Isolations]
    public void Symlink_swapped_into_a_mounts_destination_does_not_lead_out(Isolation isolation)
    {
        Workplace place = Place(isolation);
        int rounds = isolation == Isolation.Vm ? 3 : Rounds;
        string volume = MakeVolume(place, out string outside);
        place.Bundle
            .Mount("/vol", "bind", volume, "bind")
            .Mount("/vol/target/inner", "tmpfs", "tmpfs")
            .Mount("/vol/target/file", "bind", place.Bundle.InRoot("bin/busybox"), "bind", "ro")
            .Script("grep -c '/inner tmpfs ' /proc/mounts");
        using var swapper = new SymlinkSwapper(Path.Combine(volume, "target"), Path.Combine(volume, "link"));

        RequireMisleading(volume, outside);
        for (int round = 0; round < rounds; round++)
        {
            CommandResult result = place.RunBundle();

            Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
            // It may fail, because something changed under it; if it did not, the mount is in the container.
            Assert.True(result is { ExitCode: 0, Output: "1\n" } || result.Error.Length > 0, result.ToString());
        }

        Assert.True(swapper.Swaps > Rounds, $"only {swapper.Swaps} swaps");
    }

    // What stands for a container on the host lives in its root file system. There /proc/self/stat may be a file of the image, and the
    // addresses in it are no addresses to write the process's title to.
    [Theory, Isolations]
    public void Image_with_a_false_proc_misleads_nobody_on_the_host(Isolation isolation)
    {
        Workplace place = Place(isolation);
        MakeFakes(place, ["proc/self/stat"]);
        File.WriteAllText(place.Bundle.InRoot("proc/self/stat"), "1 (caisson) S " + string.Join(' ', Enumerable.Repeat("4096 8192", 30)) + "\n");
        place.Bundle.Script("echo ran").Edit(config =>
        {
            JsonArray mounts = config["mounts"]!.AsArray();
            mounts.Remove(mounts.First(mount => (string)mount!["destination"]! == "/proc"));
        });

        Assert.Equal("ran\n", place.RunBundle().Expect());
    }

    // CVE-2023-27561, CVE-2023-28642 and CVE-2019-19921: /proc or /sys of the image is a symlink, or becomes one while others are made.
    [RootFact]
    public void Proc_that_is_swapped_for_a_symlink_is_never_taken()
    {
        Workplace place = Place(Isolation.Namespaces);
        Directory.CreateDirectory(place.Bundle.InRoot("fake/self/attr"));
        Directory.CreateDirectory(place.Bundle.InRoot("fake/sys"));
        File.CreateSymbolicLink(place.Bundle.InRoot("link"), "fake");
        // The names go on changing places while it runs: it looks under both, until it has found the procfs.
        place.Bundle.Script("""
            found=; tries=0
            while [ -z "$found" ] && [ $((tries += 1)) -lt 2000 ]; do
                for top in /proc /link; do
                    [ -e $top/uptime ] && found=yes
                    [ -n "$(head -c 1 $top/keys 2>/dev/null)" ] && echo unmasked
                    (echo x >$top/sys/kernel/domainname) 2>/dev/null && echo written
                done
            done
            echo found $found
            """).Edit(config => config["process"]!["capabilities"] = new JsonObject
        {
            ["bounding"] = new JsonArray("CAP_SYS_ADMIN"),
            ["effective"] = new JsonArray("CAP_SYS_ADMIN"),
            ["permitted"] = new JsonArray("CAP_SYS_ADMIN"),
        });
        using var swapper = new SymlinkSwapper(place.Bundle.InRoot("proc"), place.Bundle.InRoot("link"));
        int made = 0;
        int refused = 0;

        for (int round = 0; round < 2 * Rounds; round++)
        {
            CommandResult result = place.RunBundle();
            if (result.Output.Length == 0)
            {
                refused++;
                Assert.True(result.Error.Contains("proc", StringComparison.Ordinal) && result.Error.Contains("caisson run failed", StringComparison.Ordinal), result.ToString());
                continue;
            }

            made++;
            Assert.Equal("found yes\n", result.Output);
        }

        Assert.True(made > 0 && refused > 0 && swapper.Swaps > Rounds);
        Assert.Empty(Directory.EnumerateFileSystemEntries(place.Bundle.InRoot("fake/self/attr")));
    }

    // CVE-2019-16884: a volume over /proc, so that labels go into a file of the image.
    [RootFact]
    public void Label_is_never_written_to_a_file_of_the_image()
    {
        Workplace place = Place(Isolation.Namespaces);
        string[] fakes = ["proc/self/attr/exec", "proc/self/attr/apparmor/exec", "proc/thread-self/attr/exec"];
        MakeFakes(place, fakes);
        place.Bundle.Arguments("true").Edit(config =>
        {
            config["process"]!["apparmorProfile"] = "caisson-no-such-profile";
            JsonArray mounts = config["mounts"]!.AsArray();
            mounts.Remove(mounts.First(mount => (string)mount!["destination"]! == "/proc"));
        });

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("caisson-no-such-profile", result.Error);
        Assert.All(fakes, fake => Assert.Equal("fake", File.ReadAllText(place.Bundle.InRoot(fake))));
    }

    // CVE-2019-16884 again, by mounts instead of by the image.
    [RootFact]
    public void Nothing_but_procfs_is_mounted_on_proc()
    {
        Workplace place = Place(Isolation.Namespaces);
        string fake = Path.Combine(place.Path, "fake");
        Directory.CreateDirectory(fake);
        place.Bundle.Arguments("true").Mount("/proc", "bind", fake, "bind");

        Assert.Contains("is not of type proc", place.RunBundle().Error);

        place.Bundle.Edit(config => config["mounts"]!.AsArray().RemoveAt(config["mounts"]!.AsArray().Count - 1)).Mount("/proc/self/attr", "tmpfs", "tmpfs");
        Assert.Contains("inside /proc", place.RunBundle().Error);
    }

    // CVE-2025-52881: a write that is meant for procfs is redirected. The real value changes, the false one does not, and the host keeps its own.
    [RootFact]
    public void Sysctl_reaches_the_kernel_and_not_a_file_of_the_image()
    {
        const string Sysctl = "sys/net/ipv4/ip_default_ttl";
        Workplace place = Place(Isolation.Namespaces);
        string before = File.ReadAllText("/proc/" + Sysctl);
        MakeFakes(place, ["proc/" + Sysctl]);
        Directory.CreateDirectory(place.Bundle.InRoot("real"));
        place.Bundle.Script($"cat /real/{Sysctl} /proc/{Sysctl}").Edit(config =>
        {
            JsonArray mounts = config["mounts"]!.AsArray();
            mounts.First(mount => (string)mount!["destination"]! == "/proc")!["destination"] = "/real";
            config["linux"]!["sysctl"] = new JsonObject { ["net.ipv4.ip_default_ttl"] = "77" };
            config["linux"]!["maskedPaths"] = new JsonArray();
            config["linux"]!["readonlyPaths"] = new JsonArray();
        });

        Assert.Equal("77\nfake", place.RunBundle().Expect());
        Assert.Equal(before, File.ReadAllText("/proc/" + Sysctl));
    }

    // CVE-2025-31133: the node that hides a path is exchanged for something else.
    [RootFact]
    public void Masked_file_shows_the_hosts_null_device_whatever_dev_null_is()
    {
        Workplace place = Place(Isolation.Namespaces);
        string volume = MakeDev(place);
        File.CreateSymbolicLink(Path.Combine(volume, "link"), "/proc/uptime");
        File.WriteAllText(Path.Combine(volume, "null"), "");
        place.Bundle.Script("stat -c %t:%T /proc/keys; stat -c %t:%T /proc/timer_list; stat -c %F /proc/uptime");
        using var swapper = new SymlinkSwapper(Path.Combine(volume, "null"), Path.Combine(volume, "link"));

        for (int round = 0; round < Rounds; round++)
        {
            Assert.Equal("1:3\n1:3\nregular empty file\n", place.RunBundle().Expect());
        }

        Assert.True(swapper.Swaps > Rounds);
    }

    // CVE-2025-52565: the terminal is bound onto what /dev/console leads to.
    [RootFact]
    public void Terminal_is_never_bound_over_a_file_of_proc()
    {
        Workplace place = Place(Isolation.Namespaces);
        string volume = MakeDev(place);
        File.CreateSymbolicLink(Path.Combine(volume, "console"), "/proc/sys/kernel/core_pattern");
        string before = File.ReadAllText("/proc/sys/kernel/core_pattern");
        place.Bundle.Terminal().Script("stat -c %F /proc/sys/kernel/core_pattern; echo ended");

        using var terminal = TerminalSession.Start(Executable.Path, [.. place.Globals, "run", "--bundle", place.Bundle.Path, place.Id], new WindowSize(24, 80));
        _ = terminal.WaitForExit();

        Assert.DoesNotContain("character special file", terminal.Screen.Text);
        Assert.Equal(before, File.ReadAllText("/proc/sys/kernel/core_pattern"));
    }

    // The parent mount of a bundle is shared on systems with systemd: what a creation mounts must not travel to it, nor stay.
    [RootFact]
    public void Shared_parent_mount_of_the_bundle_sees_no_mounts()
    {
        Workplace place = Place(Isolation.Namespaces);
        string shared = Path.Combine(place.Path, "shared");
        Directory.CreateDirectory(shared);
        MountCalls.Mount("tmpfs", shared, "tmpfs", MountFlags.None);
        try
        {
            MountCalls.SetPropagation(shared, MountPropagation.Shared, recursive: false);
            Bundle bundle = place.AnotherBundle("shared/bundle").Script("mount | grep -c ' / '");
            string before = Mounts(place);

            Assert.Equal("1\n", place.Run("run", "--bundle", bundle.Path, place.Id).Expect());
            Assert.Equal(before, Mounts(place));

            bundle.Mount("/a", "tmpfs", "tmpfs").Mount("/b", "bind", "/no/such/source", "bind");
            Assert.NotEqual(0, place.Run("run", "--bundle", bundle.Path, place.Id).ExitCode);
            Assert.Equal(before, Mounts(place));

            bundle.Edit(config => config["mounts"]!.AsArray().RemoveAt(config["mounts"]!.AsArray().Count - 1)).Arguments("sleep", "1000");
            Assert.Equal(0, place.Start("run", "--detach", "--bundle", bundle.Path, place.Id).CloseInput().WaitForExit());
            Assert.Equal(before, Mounts(place));
            place.Run("delete", "--force", place.Id).Expect();
            Assert.Equal(before, Mounts(place));
        }
        finally
        {
            MountCalls.TryUnmount(shared, UnmountFlags.MNT_DETACH, out _);
        }
    }

    // A directory of the image that gives its group on: what is made in it is made with the mode that was meant.
    [RootFact]
    public void Mount_point_below_a_setgid_directory_has_the_mode_that_was_meant()
    {
        Workplace place = Place(Isolation.Namespaces);
        Directory.CreateDirectory(place.Bundle.InRoot("giving"));
        File.SetUnixFileMode(place.Bundle.InRoot("giving"), (UnixFileMode)0b010_111_111_101);
        place.Bundle.Mount("/giving/deep/point", "tmpfs", "tmpfs").Script("stat -c %a /giving /giving/deep");

        string[] modes = place.RunBundle().Expect().Split('\n');

        Assert.Equal("2775", modes[0]);
        Assert.True(modes[1] is "755" or "2755", modes[1]);
    }

    private static string MakeVolume(Workplace place, out string outside)
    {
        string volume = Path.Combine(place.Path, "volume");
        outside = Path.Combine(place.Path, "outside");
        Directory.CreateDirectory(Path.Combine(volume, "target"));
        Directory.CreateDirectory(outside);
        File.CreateSymbolicLink(Path.Combine(volume, "link"), outside);
        return volume;
    }

    // The control experiment: who trusts the path is led out, and soon.
    private static void RequireMisleading(string volume, string outside)
    {
        Deadline.Wait("a naive mkdir to be misled", () =>
        {
            try
            {
                Directory.CreateDirectory(Path.Combine(volume, "target/naive"));
            }
            catch (IOException)
            {
                // Swapped in its middle.
            }

            return Directory.Exists(Path.Combine(outside, "naive"));
        });
        Directory.Delete(Path.Combine(outside, "naive"));
    }

    // /dev as a volume that the attacker shares.
    private static string MakeDev(Workplace place)
    {
        string volume = Path.Combine(place.Path, "dev");
        Directory.CreateDirectory(Path.Combine(volume, "pts"));
        place.Bundle.Edit(config =>
        {
            JsonArray mounts = config["mounts"]!.AsArray();
            JsonNode dev = mounts.First(mount => (string)mount!["destination"]! == "/dev")!;
            dev["type"] = "bind";
            dev["source"] = volume;
            dev["options"] = new JsonArray("bind");
            foreach (string gone in (string[])["/dev/shm", "/dev/mqueue"])
            {
                mounts.Remove(mounts.First(mount => (string)mount!["destination"]! == gone));
            }
        });
        return volume;
    }

    private static void MakeFakes(Workplace place, string[] names)
    {
        foreach (string name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place.Bundle.InRoot(name))!);
            File.WriteAllText(place.Bundle.InRoot(name), "fake");
        }
    }

    private static string Mounts(Workplace place) =>
        string.Join('\n', MountInfo.Read().Where(mount => mount.MountPoint.StartsWith(place.Path, StringComparison.Ordinal)).Select(mount => mount.MountPoint));
}
