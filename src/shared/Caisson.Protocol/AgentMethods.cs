namespace Caisson.Protocol;

/// <summary>Names of services, as on the wire.</summary>
internal static class AgentMethods
{
    internal const string Agent = "grpc.AgentService";
    internal const string Health = "grpc.Health";
    internal const string Extensions = "caisson.AgentExtensions";
}
