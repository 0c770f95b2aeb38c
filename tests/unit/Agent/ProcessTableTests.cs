using System.Text;
using Caisson.Agent;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Agent;

public sealed class ProcessTableTests
{
    private static readonly int s_self = Environment.ProcessId;

    [Fact]
    public void Table_is_that_of_ps()
    {
        string[] lines = Lines(ProcessTable.Format([s_self, 1], "table", []));

        Assert.Equal(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("1", lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        Assert.Equal(s_self.ToString(), lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        Assert.Contains("Caisson.UnitTests", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-o", "pid,comm")]
    [InlineData("-opid,comm")]
    [InlineData("-ef", "-o", "pid", "-o", "comm")]
    [InlineData("--format=pid,comm")]
    public void Options_select_columns(params string[] options)
    {
        string[] lines = Lines(ProcessTable.Format([s_self], "table", options));

        Assert.Equal(["PID", "COMMAND"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith(s_self.ToString(), lines[1].TrimStart(), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_columns_and_formats_are_named()
    {
        TtrpcException column = Assert.Throws<TtrpcException>(() => ProcessTable.Format([s_self], "table", ["-o", "pid,colour"]));
        Assert.Contains("colour", column.Message, StringComparison.Ordinal);
        Assert.Throws<TtrpcException>(() => ProcessTable.Format([s_self], "xml", []));
    }

    [Fact]
    public void Json_is_an_array_of_pids() => Assert.Equal("[1,2,3]", Encoding.ASCII.GetString(ProcessTable.Format([1, 2, 3], "json", [])));

    [Fact]
    public void Process_that_has_ended_meanwhile_is_left_out() =>
        Assert.Single(Lines(ProcessTable.Format([int.MaxValue], "table", [])));

    private static string[] Lines(byte[] table) => Encoding.UTF8.GetString(table).TrimEnd('\n').Split('\n');
}
