using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class UnixSocketTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(150)]
    public void Connection_over_a_path_of_any_length(int directoryLength)
    {
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("caisson-");
        try
        {
            string directory = Path.Combine(temporary.FullName, new string('d', directoryLength));
            Directory.CreateDirectory(directory);
            string path = Path.Combine(directory, "s.sock");
            using UnixSocket listener = UnixSocket.Listen(path);
            using UnixSocket client = UnixSocket.Connect(path);
            using UnixSocket server = listener.Accept();
            client.Write("hello"u8);
            client.Shutdown(ShutdownSide.Write);
            byte[] buffer = new byte[16];
            Assert.Equal(5, server.Read(buffer));
            Assert.Equal(0, server.Read(buffer));
            Assert.Equal(Environment.ProcessId, server.Peer.Pid);
            Assert.Equal(0u, server.Peer.Uid);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    [Fact]
    public void Nobody_listening_is_an_ordinary_failure()
    {
        Assert.False(UnixSocket.TryConnect("/nowhere/s.sock", out _, out Errno why));
        Assert.Equal(Errno.ENOENT, why);
    }

    [Fact]
    public void Descriptors_travel_with_a_message()
    {
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair(UnixSocketKind.SeqPacket);
        (UnixSocket third, UnixSocket fourth) = UnixSocket.Pair();
        using (first)
        using (second)
        using (third)
        using (fourth)
        {
            first.SendMessage("two"u8, third, fourth);
            byte[] buffer = new byte[16];
            ReceivedMessage message = second.ReceiveMessage(buffer, maxDescriptors: 2);
            Assert.Equal(3, message.Length);
            Assert.Equal(2, message.Descriptors.Count);
            using UnixSocket copy = UnixSocket.FromNumber(message.Descriptors[0].Release());
            message.Descriptors[1].Dispose();
            copy.Write("x"u8);
            Assert.Equal(1, fourth.Read(buffer));
        }
    }

    [Fact]
    public void Too_many_descriptors_are_all_closed()
    {
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        (UnixSocket third, UnixSocket fourth) = UnixSocket.Pair();
        using (first)
        using (second)
        using (fourth)
        {
            first.SendMessage("x"u8, third, third);
            third.Dispose();
            var refused = Assert.Throws<SyscallException>(() => second.ReceiveMessage(new byte[4], maxDescriptors: 1));
            Assert.Equal(Errno.EMSGSIZE, refused.Errno);
            Assert.Equal(0, fourth.Read(new byte[4])); // the end: no copy of the other side is open any more
        }
    }

    [Fact]
    public void Cut_message_is_refused()
    {
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair(UnixSocketKind.SeqPacket);
        using (first)
        using (second)
        {
            first.SendMessage("longer than four"u8);
            Assert.False(second.TryReceiveMessage(new byte[4], 0, out _, out Errno why));
            Assert.Equal(Errno.EMSGSIZE, why);
        }
    }
}
