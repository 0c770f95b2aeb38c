using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>Answers to requests that cannot be met.</summary>
internal static class Refusal
{
    internal static TtrpcException Invalid(string what) => new(TtrpcCode.InvalidArgument, what);

    internal static TtrpcException NotFound(string what) => new(TtrpcCode.NotFound, what);

    internal static TtrpcException State(string what) => new(TtrpcCode.FailedPrecondition, what);

    internal static TtrpcException Limit(string what) => new(TtrpcCode.ResourceExhausted, what);
}
