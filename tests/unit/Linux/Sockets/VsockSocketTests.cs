using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class VsockSocketTests
{
    private const uint Port = 47_011;

    [Fact]
    public async Task Connection_within_this_machine()
    {
        Assert.SkipUnless(File.Exists("/dev/vsock") && Directory.Exists("/sys/module/vsock_loopback"), "no vsock with loopback");
        using var loop = new EventLoop();
        using VsockSocket listener = VsockSocket.Listen(Port);
        using VsockSocket client = VsockSocket.Connect(VsockSocket.LocalContext, Port);
        (VsockSocket server, VsockAddress peer) = await listener.AcceptAsync(loop, CancellationToken.None);
        Assert.Equal(VsockSocket.LocalContext, peer.ContextId);
        await using var stream = new DescriptorStream(server, loop);
        client.Write("hi"u8);
        Assert.Equal(2, await stream.ReadAsync(new byte[8]));
    }

    [Fact]
    public void Listener_that_is_missing_is_named()
    {
        try
        {
            using VsockSocket client = VsockSocket.Connect(VsockSocket.LocalContext, Port + 1);
            Assert.Fail("nobody listens there");
        }
        catch (SyscallException refused)
        {
            Assert.SkipWhen(refused.Call == "socket", "this kernel has no vsock");
            Assert.Contains($"vsock 1:{Port + 1}", refused.Message, StringComparison.Ordinal);
        }
    }
}
