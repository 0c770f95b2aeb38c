using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <content>The pod's resolver, where a container's resolv.conf names it by an address of the loopback, which is the machine's own inside.</content>
internal sealed partial class Sandbox
{
    private const string PodsResolver = "127.0.0.11";

    // glibc reads three servers and six search domains; what is longer is nobody's resolv.conf.
    private const int MaxResolverBytes = 64 * 1024;

    private Task _relayingNames = Task.CompletedTask;
    private int _relaysNames;

    /// <summary>Before the first program of a container asks.</summary>
    private async Task RelayNamesAsync(List<string> shares, CancellationToken cancellationToken)
    {
        if (_network is not { } network || !shares.Exists(NamesPodsResolver) || Interlocked.Exchange(ref _relaysNames, 1) != 0)
        {
            return;
        }

        var relay = new DnsRelay(network, Guest);
        try
        {
            await relay.ListenAsync(cancellationToken);
            _relayingNames = relay.RunAsync(_networkEnding.Token);
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            _log.Warning($"network: names are not resolved by {PodsResolver} in the virtual machine: {cause.Message}");
        }
    }

    // A mount of our own making, which the guest can write to: no device or pipe may come of that, and what it says is only looked for.
    private bool NamesPodsResolver(string share)
    {
        if (!share.EndsWith("-resolv.conf", StringComparison.Ordinal)
            || !FileCalls.TryOpen($"{_share.Path}/{share}", OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK, out FileFd file, out _))
        {
            return false;
        }

        using (file)
        {
            FileStatus status = FileCalls.Stat(file);
            return status is { Type: FileType.Regular, Size: <= MaxResolverBytes }
                && file.ReadToEnd(MaxResolverBytes).AsSpan().IndexOf("127.0.0.11"u8) >= 0;
        }
    }
}
