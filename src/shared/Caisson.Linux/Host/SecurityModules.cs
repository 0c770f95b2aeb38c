namespace Caisson.Linux;

/// <summary>Which security modules the running kernel has switched on.</summary>
public static class SecurityModules
{
    /// <summary>AppArmor (Documentation/admin-guide/LSM/apparmor.rst).</summary>
    public static bool HasAppArmor =>
        SmallFile.TryReadText("/sys/module/apparmor/parameters/enabled", out string? enabled, out _) && enabled.StartsWith('Y');

    /// <summary>SELinux: it registers its file system only where it is on.</summary>
    public static bool HasSelinux => SmallFile.ReadText("/proc/filesystems").Contains("\tselinuxfs\n", StringComparison.Ordinal);
}
