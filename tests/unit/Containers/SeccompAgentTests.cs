using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>Seccomp filters whose decisions somebody else takes.</summary>
public sealed class SeccompAgentTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Agent_is_sent_the_listener_and_the_state(bool noNewPrivileges)
    {
        using var bundle = new TestBundle();
        string path = Path.Combine(bundle.Path, "agent.sock");
        using UnixSocket agent = UnixSocket.Listen(path);
        string received = "";
        var thread = new Thread(() => received = Serve(agent));
        thread.Start();
        bundle.Process(process => process with { NoNewPrivileges = noNewPrivileges });
        bundle.Linux(linux => linux with { Seccomp = Profile("SCMP_ACT_ALLOW", "mkdir") with { ListenerPath = path, ListenerMetadata = "meta" } });

        Outcome outcome = bundle.Script("echo one").Run();

        thread.Join();
        Assert.Equal(new Outcome(0, "one\n"), outcome);
        Assert.Contains("\"fds\":[\"seccompFd\"]", received, StringComparison.Ordinal);
        Assert.Contains("\"metadata\":\"meta\"", received, StringComparison.Ordinal);
        Assert.Contains($"\"id\":\"{bundle.Id}\"", received, StringComparison.Ordinal);
        Assert.EndsWith("with 1 descriptor", received, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SCMP_ACT_NOTIFY", "mkdir", "SCMP_ACT_NOTIFY cannot be used as default action")]
    [InlineData("SCMP_ACT_ALLOW", "write", "SCMP_ACT_NOTIFY cannot be used for the write syscall")]
    [InlineData("SCMP_ACT_ALLOW", "mkdir", "listenerPath is not set")]
    public void Notification_that_cannot_work_is_refused(string byDefault, string call, string words)
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Seccomp = Profile(byDefault, call) });

        Assert.Contains(words, bundle.Arguments("true").Run().Output, StringComparison.Ordinal);
    }

    private static LinuxSeccomp Profile(string byDefault, string call) => new()
    {
        DefaultAction = byDefault,
        Architectures = ["SCMP_ARCH_X86_64"],
        Syscalls = [new LinuxSyscall { Names = [call], Action = "SCMP_ACT_NOTIFY" }],
    };

    private static string Serve(UnixSocket agent)
    {
        using UnixSocket connection = agent.Accept();
        byte[] buffer = new byte[8192];
        ReceivedMessage message = connection.ReceiveMessage(buffer, maxDescriptors: 4);
        foreach (FileFd descriptor in message.Descriptors)
        {
            descriptor.Dispose();
        }

        return $"{Encoding.UTF8.GetString(buffer, 0, message.Length)} with {message.Descriptors.Count} descriptor";
    }
}
