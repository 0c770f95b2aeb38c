using System.Text;
using Caisson.Agent;
using Caisson.Protocol;

namespace Caisson.UnitTests.Agent;

public sealed class ListeningPortsTests
{
    private const string Header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    [Fact]
    public void Listeners_that_the_loopback_reaches_are_told_once_and_in_order()
    {
        string v4 = Header + Line("0100007F:1F90", "0A") + Line("00000000:0050", "0A") + Line("02004D0A:0051", "0A") + Line("0200007F:0052", "0A")
            + Line("0100007F:9C40", "01");
        string v6 = Header + Line("00000000000000000000000000000000:0050", "0A") + Line("00000000000000000000000001000000:0053", "0A")
            + Line("0000000000000000FFFF00000100007F:0054", "0A") + Line("000080FE00000000FF005450563412FE:0055", "0A");

        Assert.Equal<ushort>([0x50, 0x53, 0x54, 0x1F90], ListeningPorts.Collect(v4, v6));
    }

    [Fact]
    public void More_than_are_mirrored_are_left_out_from_the_highest_on()
    {
        var table = new StringBuilder(Header);
        for (int port = 2000; port > 1000; port--)
        {
            table.Append(Line($"00000000:{port:X4}", "0A"));
        }

        Assert.Equal<ushort>([.. Enumerable.Range(1001, PortNumbers.Max).Select(static port => (ushort)port)], ListeningPorts.Collect(table.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   0:")]
    [InlineData("   0: 0100007F:1F9")]
    [InlineData("   0: 0100007F:10000 00000000:0000 0A 0 0")]
    [InlineData("   0: 0100007F:0000 00000000:0000 0A 0 0")]
    [InlineData("   0: 0100007F00000000:0000 0A 0 0 0")]
    [InlineData("   0: 0100007F: 00000000:0000 0A 0 0")]
    public void What_is_no_line_of_a_listener_is_passed_over(string line) => Assert.Empty(ListeningPorts.Collect(line));

    private static string Line(string local, string state) =>
        $"   7: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 12345 1 ffff8881 100 0 0 10 0\n";
}
