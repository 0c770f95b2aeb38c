using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>The three descriptors that become 0, 1 and 2 of a workload.</summary>
/// <param name="Input">Becomes descriptor 0.</param>
/// <param name="Output">Becomes descriptor 1.</param>
/// <param name="Error">Becomes descriptor 2.</param>
public sealed record StandardStreams(FileDescriptor Input, FileDescriptor Output, FileDescriptor Error);
