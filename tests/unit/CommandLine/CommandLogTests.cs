using System.Text;

namespace Caisson.UnitTests.CommandLine;

public sealed class CommandLogTests
{
    private static readonly DateTime s_time = new(2026, 11, 21, 0, 2, 15, DateTimeKind.Utc);

    [Fact]
    public void A_json_line_has_the_three_fields_that_docker_reads() =>
        Assert.Equal(
            "{\"level\":\"error\",\"msg\":\"exec: \\\"nonesuch\\\": executable file not found in $PATH\",\"time\":\"2026-11-21T00:02:15Z\"}\n",
            Format("exec: \"nonesuch\": executable file not found in $PATH", json: true));

    [Fact]
    public void A_text_line_is_quoted_as_logrus_quotes() =>
        Assert.Equal("time=\"2026-11-21T00:02:15Z\" level=error msg=\"a \\\"b\\\"\\n\"\n", Format("a \"b\"\n", json: false));

    [Fact]
    public void A_simple_word_is_left_bare() => Assert.Equal("time=\"2026-11-21T00:02:15Z\" level=error msg=hooks/x.y\n", Format("hooks/x.y", json: false));

    [Fact]
    public void Lines_are_appended_to_a_log_file()
    {
        string file = Path.Combine(Path.GetTempPath(), $"caisson-log-{Guid.NewGuid():N}");
        try
        {
            var log = new CommandLog(file, json: true, debug: false);
            log.Warning("one");
            log.Debug("not kept");
            log.Warning("two");

            string[] lines = File.ReadAllLines(file);
            Assert.Equal(2, lines.Length);
            Assert.Contains("\"msg\":\"two\"", lines[1], StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Format(string message, bool json) => Encoding.UTF8.GetString(CommandLog.Format("error", message, json, s_time));
}
