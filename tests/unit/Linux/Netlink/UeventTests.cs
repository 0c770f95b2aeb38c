using System.Text;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class UeventTests
{
    [Fact]
    public void Kernel_message_is_read()
    {
        Assert.True(Uevent.TryParse("add@/devices/virtio0/block/vda\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=vda\0EMPTY=\0"u8, out Uevent? read));
        Assert.Equal("add", read.Action);
        Assert.Equal("/devices/virtio0/block/vda", read.DevicePath);
        Assert.Equal("block", read.Subsystem);
        Assert.Equal("vda", read.DeviceName);
        Assert.Equal("", read.Properties["EMPTY"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("libudev\0\0x=1\0")]
    [InlineData("@/devices/a\0")]
    [InlineData("add@relative\0")]
    [InlineData("add@/devices/a\0no-equals\0")]
    public void Anything_else_is_refused(string datagram) => Assert.False(Uevent.TryParse(Encoding.UTF8.GetBytes(datagram), out _));

    [Fact]
    public void Too_much_is_refused()
    {
        var many = new StringBuilder("add@/a\0");
        for (int i = 0; i <= Uevent.MaxProperties; i++)
        {
            many.Append($"K{i}=v\0");
        }

        Assert.False(Uevent.TryParse(Encoding.UTF8.GetBytes(many.ToString()), out _));
        Assert.False(Uevent.TryParse(new byte[Uevent.MaxBytes + 1], out _));
    }

    [Fact]
    public async Task Triggered_event_is_heard()
    {
        const string Trigger = "/sys/devices/virtual/mem/null/uevent";
        Assert.SkipUnless(File.Exists(Trigger), "no /sys");
        using var loop = new EventLoop();
        using UeventListener listener = UeventListener.Open();
        await File.WriteAllTextAsync(Trigger, "change");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Uevent heard;
        do
        {
            heard = await listener.TakeAsync(loop, patience.Token);
        }
        while (heard.DeviceName != "null");
        Assert.Equal("change", heard.Action);
        Assert.Equal("mem", heard.Subsystem);
    }
}
