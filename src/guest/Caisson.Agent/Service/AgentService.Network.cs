using Caisson.Protocol;
using Google.Protobuf.Collections;

namespace Caisson.Agent;

internal sealed partial class AgentService
{
    // Own limits: a pod has a handful of interfaces, and a routing table of a thousand entries is a router's.
    private const int MaxRoutes = 1024;
    private const int MaxNeighbors = 1024;

    private readonly Lock _network = new();     // one change of the network at a time

    public Task<Interface> UpdateInterfaceAsync(UpdateInterfaceRequest request, CancellationToken cancellationToken)
    {
        InterfaceWish wish = NetworkFields.Wish(request.Interface);
        return Changing(() => GuestInterfaces.Update(wish));
    }

    public Task<Interfaces> ListInterfacesAsync(ListInterfacesRequest request, CancellationToken cancellationToken) =>
        Blocking.Run(GuestInterfaces.List);

    public Task<Routes> UpdateRoutesAsync(UpdateRoutesRequest request, CancellationToken cancellationToken)
    {
        RepeatedField<Route> routes = request.Routes is null ? [] : request.Routes.Items;
        return routes.Count <= MaxRoutes
            ? Changing(() => GuestRoutes.Replace(routes))
            : throw Refusal.Limit($"{routes.Count} routes; at most {MaxRoutes} are taken");
    }

    public Task<Routes> ListRoutesAsync(ListRoutesRequest request, CancellationToken cancellationToken) => Blocking.Run(GuestRoutes.List);

    public Task AddARPNeighborsAsync(AddARPNeighborsRequest request, CancellationToken cancellationToken)
    {
        RepeatedField<ARPNeighbor> neighbors = request.Neighbors is null ? [] : request.Neighbors.Items;
        return neighbors.Count <= MaxNeighbors
            ? Changing<object?>(() =>
            {
                GuestRoutes.AddNeighbors(neighbors);
                return null;
            })
            : throw Refusal.Limit($"{neighbors.Count} neighbours; at most {MaxNeighbors} are taken");
    }

    private Task<T> Changing<T>(Func<T> change) => Blocking.Run(() =>
    {
        lock (_network)
        {
            sandbox.Modules.Load("net");
            return change();
        }
    });
}
