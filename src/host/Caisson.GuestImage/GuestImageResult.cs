namespace Caisson.GuestImage;

/// <summary>What was built, or found already built.</summary>
/// <param name="KernelPath">The ELF kernel for a PVH boot.</param>
/// <param name="InitrdPath">The initial file system, with the agent as /init.</param>
/// <param name="KernelRelease">As uname -r will say in the guest; empty when the kernel file does not tell.</param>
/// <param name="WasUpToDate">Nothing was written: the outputs come from the same inputs.</param>
public sealed record GuestImageResult(string KernelPath, string InitrdPath, string KernelRelease, bool WasUpToDate);
