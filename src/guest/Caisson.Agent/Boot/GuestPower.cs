using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>The end of the machine.</summary>
internal static class GuestPower
{
    /// <summary>Writes everything back and switches off. </summary>
    internal static void Off()
    {
        Machine.Sync();
        Machine.PowerOff();
    }
}
