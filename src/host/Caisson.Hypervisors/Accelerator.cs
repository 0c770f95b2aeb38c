namespace Caisson.Hypervisors;

/// <summary>What runs the guest's instructions.</summary>
public enum Accelerator
{
    /// <summary>The processor, through /dev/kvm.</summary>
    Kvm,

    /// <summary>QEMU's translator: no hardware needed, roughly ten times slower.</summary>
    Tcg,
}
