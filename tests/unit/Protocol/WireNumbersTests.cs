using Caisson.Protocol;
using Google.Protobuf.Reflection;
using Wire = Caisson.Protocol.Wire;

namespace Caisson.UnitTests.Protocol;

/// <summary>Field numbers and types are the contract with Kata's halves; a renumbered field would go unnoticed between our own.</summary>
public sealed class WireNumbersTests
{
    [Theory]
    [InlineData("CreateContainerRequest", "1s 2s 3m 4m* 5m* 6m 7b 8m* 9u 10u 11u 100y")]
    [InlineData("StartContainerRequest", "1s")]
    [InlineData("RemoveContainerRequest", "1s 2u")]
    [InlineData("ExecProcessRequest", "1s 2s 3m 4m 5u 6u 7u 100y")]
    [InlineData("SignalProcessRequest", "1s 2s 3u")]
    [InlineData("WaitProcessRequest", "1s 2s")]
    [InlineData("WaitProcessResponse", "1i")]
    [InlineData("ListProcessesRequest", "1s 2s 3s*")]
    [InlineData("ListProcessesResponse", "1y")]
    [InlineData("UpdateContainerRequest", "1s 2m 100y")]
    [InlineData("StatsContainerResponse", "1m 2m*")]
    [InlineData("WriteStreamRequest", "1s 2s 3y 100U 101b")]
    [InlineData("WriteStreamResponse", "1u")]
    [InlineData("ReadStreamRequest", "1s 2s 3u 100U 101b")]
    [InlineData("ReadStreamResponse", "1y 100U 101b")]
    [InlineData("TtyWinResizeRequest", "1s 2s 3u 4u")]
    [InlineData("CreateSandboxRequest", "1s 2s* 3m* 4b 5s 6s 7m*")]
    [InlineData("ReseedRandomDevRequest", "2y")]
    [InlineData("GuestDetailsRequest", "1b 2b")]
    [InlineData("GuestDetailsResponse", "1U 2m 3b")]
    [InlineData("AgentDetails", "1s 2b 3s* 4s* 5b 6s*")]
    [InlineData("SetGuestDateTimeRequest", "1I 2I")]
    [InlineData("CopyFileRequest", "1s 2I 3u 4u 5i 6i 7I 8y")]
    [InlineData("Storage", "1s 2s* 3s 4s 5s* 6s 7m 8b")]
    [InlineData("Device", "1s 2s 3s 4s 5s*")]
    [InlineData("StringUser", "1s 2s 3s*")]
    [InlineData("SharedMount", "1s 2s 3s 4s 5s")]
    [InlineData("FSGroup", "2u 3e")]
    [InlineData("CgroupStats", "1m 2m 3m 4m 5m*")]
    [InlineData("MemoryStats", "1U 2m 3m 4m 5b 6m*")]
    [InlineData("MemoryData", "1U 2U 3U 4U")]
    [InlineData("CpuUsage", "1U 2U* 3U 4U")]
    [InlineData("NetworkStats", "1s 2U 3U 4U 5U 6U 7U 8U 9U")]
    public void Messages_of_the_agent_have_their_numbers(string message, string fields) =>
        Assert.Equal(fields, Describe(AgentReflection.Descriptor, message));

    [Theory]
    [InlineData("Spec", "1s 2m 3m 4s 5m* 6m 7m* 8m")]
    [InlineData("Process", "1b 2m 3m 4s* 5s* 6s 7m 8m* 9b 10s 11I 12s")]
    [InlineData("Mount", "1s 2s 3s 4s*")]
    [InlineData("Linux", "1m* 2m* 3m* 4m 5s 6m* 7m* 8m 9s 10s* 11s* 12s 13m")]
    [InlineData("Resources", "1m* 2m 3m 4m 5m 6m* 7m")]
    [InlineData("Memory", "1I 2I 3I 4I 5I 6U 7b")]
    [InlineData("Cpu", "1U 2I 3U 4I 5U 6s 7s")]
    [InlineData("DeviceNode", "1s 2s 3I 4I 5u 6u 7u")]
    [InlineData("Syscall", "1s* 2s 3u 4m*")]
    [InlineData("Hooks", "1m* 2m* 3m* 4m* 5m* 6m*")]
    public void Messages_of_the_specification_have_their_numbers(string message, string fields) =>
        Assert.Equal(fields, Describe(Wire.OciReflection.Descriptor, message));

    [Theory]
    [InlineData("Interface", "1s 2s 3m* 4U 5s 6s 7s 8u")]
    [InlineData("Route", "1s 2s 3s 4s 5u 6e 7u 8u 100u")] // from 100 on our own
    [InlineData("ARPNeighbor", "1m 2s 3s 4i 5i")]
    public void Messages_of_the_network_have_their_numbers(string message, string fields) =>
        Assert.Equal(fields, Describe(TypesReflection.Descriptor, message));

    private static string Describe(FileDescriptor file, string message)
    {
        MessageDescriptor found = file.FindTypeByName<MessageDescriptor>(message);
        return string.Join(' ', found.Fields.InFieldNumberOrder().Select(f => $"{f.FieldNumber}{Letter(f.FieldType)}{(f.IsRepeated ? "*" : "")}"));
    }

    private static char Letter(FieldType type) => type switch
    {
        FieldType.String => 's',
        FieldType.Bytes => 'y',
        FieldType.Bool => 'b',
        FieldType.Message => 'm',
        FieldType.Enum => 'e',
        FieldType.UInt32 => 'u',
        FieldType.UInt64 => 'U',
        FieldType.Int32 => 'i',
        FieldType.Int64 => 'I',
        _ => '?',
    };
}
