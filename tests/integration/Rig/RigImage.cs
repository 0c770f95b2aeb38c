using System.Security.Cryptography;
using System.Text;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Rig;

/// <summary>
/// A Debian with systemd and CRIU, and the modules of the guest's kernel: made once by debootstrap, from Debian's archive, and kept beside
/// what was built. It is never written to afterwards.
/// </summary>
internal static class RigImage
{
    private const string Suite = "bookworm";
    private const string Packages = "systemd,systemd-sysv,dbus,criu,iproute2,iptables,busybox-static,kmod,procps";

    // A minute or two for a machine with nothing else to do.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    private static string Cache => Path.Combine(Path.GetDirectoryName(Executable.Path)!, "cache");

    internal static string? WhyNone => !File.Exists("/usr/sbin/debootstrap") ? "debootstrap is missing (package debootstrap)"
        : !File.Exists(Path.Combine(Cache, "kernel/package")) ? $"{Cache}/kernel is missing (./dev build fetches the guest's kernel)"
        : null;

    /// <summary>The root file system's directory, made if it is not there.</summary>
    internal static string Find()
    {
        string kernel = File.ReadAllText(Path.Combine(Cache, "kernel/package")).Trim();
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Suite} {Packages} {kernel}")))[..12];
        string image = Path.Combine(Cache, $"rig-{key}");
        if (!Directory.Exists(image))
        {
            string unfinished = image + ".new";
            Run("/bin/rm", "-rf", unfinished);
            Make(unfinished);
            Directory.Move(unfinished, image);
        }

        return image;
    }

    private static void Make(string root)
    {
        Run("/usr/sbin/debootstrap", "--variant=minbase", $"--include={Packages}", Suite, root);
        string modules = Path.Combine(Cache, "kernel/lib/modules");
        Directory.CreateDirectory(Path.Combine(root, "lib/modules"));
        foreach (string release in Directory.GetDirectories(modules).Select(directory => Path.GetFileName(directory)!))
        {
            Run("/bin/cp", "-a", Path.Combine(modules, release), Path.Combine(root, "lib/modules", release));
            Run("/usr/sbin/chroot", root, "depmod", release);
        }

        // An empty one would make every boot a first boot, which sets up all units anew.
        File.WriteAllText(Path.Combine(root, "etc/machine-id"), "c0ffee00c0ffee00c0ffee00c0ffee00\n");
        File.Delete(Path.Combine(root, "etc/resolv.conf"));
        Run("/usr/sbin/chroot", root, "systemctl", "set-default", "multi-user.target");
        Run("/bin/sh", "-c", $"rm -f '{root}'/var/cache/apt/archives/*.deb");
    }

    private static void Run(string program, params string[] arguments)
    {
        using RunningCommand command = RunningCommand.Start(program, arguments);
        command.CloseInput();
        if (!Deadline.TryWait(() => command.HasExited, s_patience))
        {
            throw new HarnessException($"{program} {string.Join(' ', arguments)}: not finished after {s_patience.TotalMinutes:0} minutes");
        }

        command.Wait().Expect();
    }
}
