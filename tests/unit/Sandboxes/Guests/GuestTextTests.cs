using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class GuestTextTests
{
    [Fact]
    public void Guest_cannot_steer_the_terminal_of_who_reads_its_text() =>
        Assert.Equal(["PID COMMAND", "1 ?]0;title??[2Jx", "2 ?x"], GuestText.Lines("PID COMMAND\n1 \u001b]0;title\u0007\u001b[2Jx\n2 \u009bx\n"u8));
}
