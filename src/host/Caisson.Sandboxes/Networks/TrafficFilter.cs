using System.Globalization;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The model tcfilter: a TAP beside an interface, and a redirection of every arriving frame from each to the other. The interface keeps its
/// name, address and place, so that engines and plugins find it as they left it. Everything happens in the namespace of the calling thread.
/// </summary>
internal static class TrafficFilter
{
    private const string TapPrefix = "tap";
    private const string TapSuffix = "_caisson";
    private const int MaxTaps = 1000; // the name has three digits at most

    /// <summary>Whether an interface's name is one that we give.</summary>
    internal static bool IsTap(string name) => name.StartsWith(TapPrefix, StringComparison.Ordinal) && name.EndsWith(TapSuffix, StringComparison.Ordinal);

    /// <summary>A name for a TAP that is free in this namespace.</summary>
    internal static string ChooseTap(RouteSocket route, List<string> taken)
    {
        for (int i = 0; i < MaxTaps; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{TapPrefix}{i}{TapSuffix}");
            if (!taken.Contains(name) && !route.TryFindLink(name, out _))
            {
                return name;
            }
        }

        throw new SandboxException($"network: {MaxTaps} interfaces of this network namespace are in use by virtual machines");
    }

    /// <summary>Makes the TAP, and redirects.</summary>
    /// <param name="route">A socket in the namespace.</param>
    /// <param name="pod">The interface.</param>
    /// <param name="tap">The TAP's name.</param>
    /// <param name="queues">How many queues the TAP has.</param>
    /// <param name="cookie">By which <see cref="Undo"/> knows our redirection.</param>
    /// <returns>The TAP's queues. The TAP lives as long as one of them is open.</returns>
    internal static IReadOnlyList<FileFd> Attach(RouteSocket route, PodInterface pod, string tap, int queues, ReadOnlySpan<byte> cookie)
    {
        var opened = new List<FileFd>(queues);
        try
        {
            TapOptions options = TapOptions.Tap | TapOptions.NoPacketInformation | TapOptions.VirtioHeader | (queues > 1 ? TapOptions.MultiQueue : 0);
            for (int i = 0; i < queues; i++)
            {
                opened.Add(NetworkDevices.OpenTap(tap, options, out _));
            }

            NetworkLink link = route.FindLink(tap);

            // The TAP is a wire: the host's kernel must not speak on it itself.
            SmallFile.TryWrite($"/proc/sys/net/ipv6/conf/{tap}/disable_ipv6", "1", out _);
            route.SetMtu(link.Index, pod.Mtu);
            route.SetUp(link.Index);
            AddIngress(route, pod);
            route.Redirect(pod.Index, link.Index, cookie);
            route.AddIngress(link.Index);
            route.Redirect(link.Index, pod.Index, cookie);
            return opened;
        }
        catch
        {
            opened.ForEach(static queue => queue.Dispose());
            Undo(route, new NetworkAttachment(pod.Name, pod.Index, tap, pod.Hardware, IsLimited: false), cookie);
            throw;
        }
    }

    /// <summary>Bounds how fast a guest receives and sends by an interface.</summary>
    /// <param name="route">A socket in the namespace.</param>
    /// <param name="pod">The interface, by which frames leave.</param>
    /// <param name="tap">The TAP, by which they arrive.</param>
    /// <param name="inbound">Bits in a second towards the guest; 0 for no bound.</param>
    /// <param name="outbound">Bits in a second from the guest; 0 for no bound.</param>
    internal static void Limit(RouteSocket route, PodInterface pod, string tap, ulong inbound, ulong outbound)
    {
        if (inbound > 0)
        {
            route.LimitRate(route.FindLink(tap).Index, inbound);
        }

        if (outbound > 0)
        {
            route.LimitRate(pod.Index, outbound);
        }
    }

    /// <summary>Takes our redirection from an interface. The TAP goes with the machine that holds it open.</summary>
    internal static void Undo(RouteSocket route, NetworkAttachment made, ReadOnlySpan<byte> cookie)
    {
        if (!route.TryFindLink(made.Name, out NetworkLink? link))
        {
            return;
        }

        bool isOurs = false;
        foreach (Redirection redirection in route.Redirections(link.Index))
        {
            isOurs |= redirection.Cookie.AsSpan().SequenceEqual(cookie);
        }

        // Without any filter: killed between its making and the redirection. Nobody else has a use for such a one.
        if (isOurs || !route.HasIngressFilters(link.Index))
        {
            IgnoringAbsence(() => route.DeleteIngress(link.Index));
        }

        if (isOurs && made.IsLimited)
        {
            IgnoringAbsence(() => route.DeleteRateLimit(link.Index));
        }
    }

    // What was written down before it was made may not have been made.
    private static void IgnoringAbsence(Action delete)
    {
        try
        {
            delete();
        }
        catch (SyscallException cause) when (cause.Errno is Errno.ENOENT or Errno.EINVAL or Errno.ENODEV)
        {
        }
    }

    // One that holds no filter was left by a command that was killed before it made one.
    private static void AddIngress(RouteSocket route, PodInterface pod)
    {
        try
        {
            route.AddIngress(pod.Index);
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EEXIST && !route.HasIngressFilters(pod.Index))
        {
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EEXIST)
        {
            throw new SandboxException(
                $"network: the interface {pod.Name} has an ingress qdisc already: another virtual machine uses it, or somebody's traffic control; "
                + "the model tcfilter needs that place", cause);
        }
    }
}
