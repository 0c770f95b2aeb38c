using System.Text;
using Caisson.Oci;

namespace Caisson.UnitTests.Oci;

public sealed class StateWriterTests
{
    private static readonly OciState s_state = new()
    {
        OciVersion = "1.0.2-dev",
        Id = "t1",
        Status = ContainerStatus.Created,
        Pid = 15793,
        Bundle = "/tmp/rb",
        Annotations = SpecMap.Empty<string>().With("z.a", "1").With("a", "é"),
    };

    private static readonly RuntimeState s_shown = new(s_state, "/tmp/rb/rootfs", new DateTimeOffset(2026, 11, 21, 0, 14, 29, TimeSpan.Zero).AddTicks(8150000), "");

    [Fact]
    public void Hooks_get_the_specifications_state_on_one_line()
    {
        Assert.Equal(
            """{"ociVersion":"1.0.2-dev","id":"t1","status":"created","pid":15793,"bundle":"/tmp/rb","annotations":{"a":"é","z.a":"1"}}""",
            Encoding.UTF8.GetString(StateWriter.Hook(s_state)));
    }

    [Fact]
    public void Stopped_container_has_no_pid_for_hooks()
    {
        OciState stopped = s_state with { Status = ContainerStatus.Stopped, Pid = 0, Annotations = SpecMap.Empty<string>() };

        Assert.Equal(
            """{"ociVersion":"1.0.2-dev","id":"t1","status":"stopped","bundle":"/tmp/rb"}""",
            Encoding.UTF8.GetString(StateWriter.Hook(stopped)));
    }

    [Fact]
    public void Printed_state_has_the_order_and_indentation_of_runc()
    {
        const string Expected = """
            {
              "ociVersion": "1.0.2-dev",
              "id": "t1",
              "pid": 15793,
              "status": "created",
              "bundle": "/tmp/rb",
              "rootfs": "/tmp/rb/rootfs",
              "created": "2026-11-21T00:14:29.815Z",
              "annotations": {
                "a": "é",
                "z.a": "1"
              },
              "owner": ""
            }
            """;
        Assert.Equal(Expected, Encoding.UTF8.GetString(StateWriter.Printed(s_shown)));
    }

    [Fact]
    public void List_is_an_array_and_null_when_empty()
    {
        Assert.Equal("null", Encoding.UTF8.GetString(StateWriter.List([])));
        Assert.StartsWith("[{\"ociVersion\":", Encoding.UTF8.GetString(StateWriter.List([s_shown])), StringComparison.Ordinal);
    }

    [Fact]
    public void Seccomp_listener_is_told_the_process_and_the_container()
    {
        Assert.StartsWith(
            """{"ociVersion":"1.0.2-dev","fds":["seccompFd"],"pid":7,"metadata":"m","state":{"ociVersion":""",
            Encoding.UTF8.GetString(StateWriter.SeccompListener(s_state, 7, "m")), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_states_read_back()
    {
        foreach (ContainerStatus status in Enum.GetValues<ContainerStatus>())
        {
            Assert.True(ContainerStatusNames.TryParse(status.Name(), out ContainerStatus parsed));
            Assert.Equal(status, parsed);
        }
        Assert.False(ContainerStatusNames.TryParse("Running", out _));
    }
}
