namespace Caisson.Fuzz;

/// <summary>Every target, in the order in which they run.</summary>
internal static class AllTargets
{
    internal static IReadOnlyList<IFuzzTarget> List { get; } =
    [
        new ConfigTarget(),
        new ProcessTarget(),
        new ResourcesTarget(),
        new SeccompTarget(),
        new ConfigurationTarget(),
        new RecordTarget(),
        new SnapshotTarget(),
        new JournalTarget(),
        new TtrpcFrameTarget(),
        new TtrpcServerTarget(),
        new AgentRequestTarget(),
        new AgentAnswerTarget(),
        new ControlTarget(),
        new SerialAgentTarget(),
        new SerialHostTarget(),
        new KeeperSideTarget(),
        new SupervisorSideTarget(),
        new InitChannelTarget(),
        new QmpTarget(),
        new KernelTextTarget(),
        new NetlinkTarget(),
        new UserTextTarget(),
        new KernelImageTarget(),
        new KernelModuleTarget(),
        new Lz4Target(),
        new ElfTarget(),
    ];
}
