namespace Caisson.Linux;

/// <summary>The machine as a whole: for a process that is the machine's first, the guest agent.</summary>
public static class Machine
{
    private const int SysReboot = 169;
    private const int SysSync = 162;
    private const long FirstMagic = 0xFEE1DEAD;
    private const long SecondMagic = 672274793;
    private const long CommandPowerOff = 0x4321FEDC;
    private const long CommandRestart = 0x1234567;

    /// <summary>Writes all file systems back; returns when that is done.</summary>
    public static void Sync() => _ = Libc.syscall(SysSync);

    /// <summary>Switches the machine off at once; nothing is written back. In a pid namespace it ends the namespace's first process.</summary>
    public static void PowerOff() => Reboot(CommandPowerOff, "reboot(RB_POWER_OFF)");

    /// <summary>Starts the machine again at once; nothing is written back.</summary>
    public static void Restart() => Reboot(CommandRestart, "reboot(RB_AUTOBOOT)");

    private static void Reboot(long command, string call) =>
        Libc.Check(Libc.syscall(SysReboot, FirstMagic, SecondMagic, command), call);
}
