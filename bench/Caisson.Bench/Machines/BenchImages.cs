using Caisson.GuestImage;

namespace Caisson.Bench;

/// <summary>The first file systems of the machines that Caisson is compared with.</summary>
internal static class BenchImages
{
    private const uint Executable = 0x1ed;    // 0755

    /// <summary>Nothing but an init that powers off.</summary>
    internal static string PowerOff(BenchPlace place)
    {
        string path = Path.Combine(place.Directory, "poweroff.img");
        using FileStream file = File.Create(path);
        var cpio = new CpioWriter(file);
        cpio.Directory("dev", Executable);
        cpio.CharacterDevice("dev/console", 0x180, 5, 1);
        cpio.File("init", Executable, File.ReadAllBytes(place.Built("caisson-bench-poweroff")));
        cpio.End();
        return path;
    }

    /// <summary>Caisson's own image, unpacked first, with the minimal agent in the place of its own, and busybox to be run.</summary>
    internal static string MiniAgent(BenchPlace place)
    {
        string path = Path.Combine(place.Directory, "agent.img");
        File.Copy(place.Initrd, path);
        using var file = new FileStream(path, FileMode.Append);

        // The kernel unpacks archives that follow one another, at four bytes' distance; later entries replace earlier ones.
        file.Write(new byte[(int)(-file.Length & 3)]);
        var cpio = new CpioWriter(file);
        cpio.Directory("bin", Executable);
        cpio.File("bin/true", Executable, File.ReadAllBytes(BenchPlace.Peer("busybox")));
        cpio.File("init", Executable, File.ReadAllBytes(place.Built("caisson-bench-agent")));
        cpio.End();
        return path;
    }
}
