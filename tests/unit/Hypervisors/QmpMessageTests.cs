using System.Text;
using Caisson.Hypervisors;

namespace Caisson.UnitTests.Hypervisors;

public sealed class QmpMessageTests
{
    [Fact]
    public void Greeting_tells_the_version()
    {
        QmpMessage message = Parse("""{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}""");

        Assert.Equal("7.2.22", Assert.IsType<QmpMessage.Greeting>(message).Version);
    }

    [Fact]
    public void Reply_carries_its_id_and_value()
    {
        QmpMessage.Reply reply = Assert.IsType<QmpMessage.Reply>(Parse("""{"return": {"status": "running", "running": true}, "id": 7}"""));

        Assert.Equal(7, reply.Id);
        Assert.Equal("running", reply.Value.GetProperty("status").GetString());
    }

    [Fact]
    public void Failure_carries_the_class_and_the_words_of_qemu()
    {
        QmpMessage.Failure failure = Assert.IsType<QmpMessage.Failure>(
            Parse("""{"id": 3, "error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}}"""));

        Assert.Equal((3L, "DeviceNotFound", "Device 'x' not found"), (failure.Id, failure.ErrorClass, failure.Description));
    }

    [Fact]
    public void Event_gives_its_text_members_and_null_for_others()
    {
        QmpMessage.Notification happened = Assert.IsType<QmpMessage.Notification>(
            Parse("""{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"""));

        Assert.Equal("SHUTDOWN", happened.Name);
        Assert.Equal("guest-reset", happened.Text("reason"));
        Assert.Null(happened.Text("guest"));
        Assert.Null(happened.Text("missing"));
    }

    [Fact]
    public void Event_without_data_is_an_event() =>
        Assert.Null(Assert.IsType<QmpMessage.Notification>(Parse("""{"event": "STOP"}""")).Text("reason"));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("{}")]
    [InlineData("""{"return": {}}""")]
    [InlineData("""{"return": {}, "id": "7"}""")]
    [InlineData("""{"return": {}, "id": 99999999999999999999}""")]
    [InlineData("""{"error": "no object", "id": 1}""")]
    [InlineData("""{"error": {"class": "GenericError"}, "id": 1}""")]
    [InlineData("""{"error": {"class": 3, "desc": null}, "id": 1}""")]
    [InlineData("""{"event": 3}""")]
    [InlineData("""{"event": "\ud800"}""")]
    [InlineData("""{"QMP": 3}""")]
    [InlineData("""{"QMP": {"version": {"qemu": {"major": "seven"}}}}""")]
    [InlineData("""{"QMP": {"version": {"qemu": {"major": 7, "minor": 1e99, "micro": 0}}}}""")]
    public void Nonsense_is_refused(string line) => Assert.Throws<QmpException>(() => Parse(line));

    [Fact]
    public void Deep_nesting_is_refused() =>
        Assert.Throws<QmpException>(() => Parse("""{"event": "X", "data": """ + new string('[', 100) + new string(']', 100) + "}"));

    private static QmpMessage Parse(string line) => QmpMessage.Parse(Encoding.UTF8.GetBytes(line));

    [Fact]
    public void Event_whose_text_is_no_unicode_has_no_text()
    {
        byte[] line = [.. "{\"event\":\"SHUTDOWN\",\"data\":{\"reason\":\""u8, 0x9A, .. "\"}}"u8];

        var notification = Assert.IsType<QmpMessage.Notification>(QmpMessage.Parse(line));

        Assert.Null(notification.Text("reason"));
    }
}
