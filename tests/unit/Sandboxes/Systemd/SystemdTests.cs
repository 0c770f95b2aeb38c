using System.Globalization;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Systemd;

/// <summary>What systemd is told, and how it is written.</summary>
public sealed class SystemdTests
{
    [Theory]
    [InlineData("""{"memory":{"limit":-1,"swap":-1}}""", true, "MemoryMax=18446744073709551615 MemorySwapMax=18446744073709551615")]
    [InlineData("""{"memory":{"limit":100,"reservation":50}}""", false, "MemoryLimit=100")]
    [InlineData("""{"cpu":{"shares":1024,"quota":12345,"period":50000}}""", true, "CPUWeight=100 CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=250000")]
    [InlineData("""{"cpu":{"shares":1024,"quota":-1}}""", false, "CPUShares=1024 CPUQuotaPerSecUSec=18446744073709551615")]
    [InlineData("""{"cpu":{"cpus":"0-3,9","mems":"1"}}""", true, "AllowedCPUs=0F02 AllowedMemoryNodes=02")]
    [InlineData("""{"pids":{"limit":0}}""", true, "TasksMax=18446744073709551615")]
    [InlineData("""{"memory":{"limit":100},"unified":{"memory.max":"50","cpuset.cpus":"8"}}""", true, "MemoryMax=50 AllowedCPUs=0001")]
    public void Limits_are_properties(string resources, bool unified, string expected)
    {
        LinuxResources read = SpecReader.ParseResources(System.Text.Encoding.UTF8.GetBytes(resources), "test");

        Assert.Equal(expected, string.Join(' ', UnitResources.Of(read, unified).Select(property => $"{property.Name}={ValueOf(property)}")));
    }

    [Theory]
    [InlineData("""[{"allow":true,"access":"rwm"}]""", "block-* rwm")]
    [InlineData("""[{"allow":false,"access":"rwm"},{"allow":true,"type":"b","major":7,"minor":0,"access":"r"}]""", "/dev/block/7:0 r")]
    public void Allowed_devices_are_properties(string rules, string expected) => Assert.Contains(expected, DeviceText(rules), StringComparison.Ordinal);

    [Fact]
    public void A_denial_takes_back_what_it_touches()
    {
        string text = DeviceText("""[{"allow":true,"access":"rwm"},{"allow":false,"type":"b","major":8,"access":"w"}]""");

        Assert.DoesNotContain("block-* rwm", text, StringComparison.Ordinal);
        Assert.Contains("/dev/char/1:3 rwm", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_are_read_as_they_were_written()
    {
        byte[] bytes = DBusMessage.WriteCall(7, new DBusCall("a.b", "/c", "d.e", "Frobnicate", "sas", writer => writer.String("x").Array(4, items => items.String("yy"))));
        int rest = DBusMessage.LengthAfter(bytes, out int fields, out int body);

        var message = DBusMessage.Parse(bytes[1], bytes.AsSpan(16, fields), bytes.AsSpan(bytes.Length - body));

        Assert.Equal(bytes.Length, 16 + rest);
        Assert.Equal((DBusMessage.Call, "Frobnicate", "sas"), (message.Kind, message.Member, message.Signature));
        Assert.Equal("x", new DBusReader(message.Body).String());
    }

    /// <summary>A service that sends nonsense gets an error, and no other exception.</summary>
    [Fact]
    public void Broken_messages_are_errors()
    {
        byte[] good = DBusMessage.WriteCall(7, new DBusCall("a.b", "/c", "d.e", "Frobnicate", "s", writer => writer.String("x")));
        var random = new Random(1);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = [.. good];
            for (int change = 0; change <= round % 4; change++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                DBusMessage.LengthAfter(bytes, out int fields, out int body);
                int at = Math.Min(fields, bytes.Length - 16);
                var message = DBusMessage.Parse(bytes[1], bytes.AsSpan(16, at), bytes.AsSpan(bytes.Length - Math.Min(body, bytes.Length - 16)));
                new DBusReader(message.Body).String();
            }
            catch (SandboxException)
            {
                // As it should be.
            }
        }
    }

    private static string ValueOf(UnitProperty property)
    {
        var writer = new DBusWriter();
        property.Write(writer);
        byte[] bytes = writer.ToArray();
        return property.Signature == "t" ? BitConverter.ToUInt64(bytes).ToString(CultureInfo.InvariantCulture) : Convert.ToHexString(bytes.AsSpan(4));
    }

    private static string DeviceText(string rules)
    {
        LinuxResources read = SpecReader.ParseResources(System.Text.Encoding.UTF8.GetBytes($$"""{"devices":{{rules}}}"""), "test");
        UnitProperty devices = UnitDevices.Of(read).Single(property => property.Name == "DeviceAllow");
        var writer = new DBusWriter();
        devices.Write(writer);
        byte[] bytes = writer.ToArray();
        var reader = new DBusReader(bytes);
        reader.UInt32();
        var lines = new List<string>();
        while (!reader.AtEnd)
        {
            reader.Align(8);
            lines.Add($"{reader.String()} {reader.String()}");
        }

        return string.Join('\n', lines);
    }
}
