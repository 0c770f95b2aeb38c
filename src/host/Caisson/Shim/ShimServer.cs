using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson;

/// <summary>The services of a shim, with what their calls have in common: a line in the log, and errors of a kind that containerd knows.</summary>
internal sealed class ShimServer(ShimLog log)
{
    internal TtrpcServer Server { get; } = new();

    internal void Register<TRequest, TResponse>(
        string service, string method, MessageParser<TRequest> parser, Func<TRequest, CancellationToken, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Server.Register(service, method, parser, async (request, context) =>
        {
            try
            {
                log.Debug($"{method} begins");
                return await handler(request, context.CancellationToken);
            }
            catch (NoSuchContainerException cause)
            {
                throw new TtrpcException(TtrpcCode.NotFound, cause.Message, cause);
            }
            catch (Exception cause) when (cause is SandboxException or ContainerException or SpecException or SyscallException or IOException)
            {
                throw new TtrpcException(TtrpcCode.Unknown, $"{method}: {cause.Message}", cause);
            }
        });
}
