using System.Text;

namespace Caisson.GuestImage;

/// <summary>The guest's first file system: the agent as /init, its modules, and the mount points it needs.</summary>
internal static class InitrdImage
{
    private static readonly string[] s_directories = ["dev", "etc", "lib", "lib/modules", GuestModules.Directory, "proc", "run", "sys", "tmp"];

    internal static void Write(Stream output, byte[] agent, GuestModules modules)
    {
        var entries = new Dictionary<string, Action<CpioWriter>>();
        foreach (string directory in s_directories)
        {
            uint permissions = directory == "tmp" ? 0x3ffu : 0x1edu;     // 1777 and 0755
            entries.Add(directory, cpio => cpio.Directory(directory, permissions));
        }

        // The kernel opens /dev/console for PID 1 before anything can mount devtmpfs.
        entries.Add("dev/console", cpio => cpio.CharacterDevice("dev/console", 0x180, 5, 1));
        entries.Add("dev/null", cpio => cpio.CharacterDevice("dev/null", 0x1b6, 1, 3));
        entries.Add("init", cpio => cpio.File("init", 0x1ed, agent));
        entries.Add(GuestModules.OrderFile, cpio => cpio.File(GuestModules.OrderFile, 0x1a4, Encoding.ASCII.GetBytes(modules.OrderText())));
        foreach (ModuleFile module in modules.Modules)
        {
            string path = modules.PathOf(module);
            entries.Add(path, cpio => cpio.File(path, 0x1a4, module.Bytes));
        }

        // Ordinal order puts every directory before what is in it, as the kernel's unpacker needs.
        var writer = new CpioWriter(output);
        List<string> paths = [.. entries.Keys];
        paths.Sort(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            entries[path](writer);
        }

        writer.End();
    }
}
