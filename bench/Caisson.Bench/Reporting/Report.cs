using System.Text;
using System.Text.Json;

namespace Caisson.Bench;

/// <summary>Everything that was measured: printed as it comes, summed up at the end, and for programs as JSON.</summary>
internal sealed class Report
{
    private readonly List<(string Benchmark, Sample Sample)> _samples = [];
    private readonly List<(string Benchmark, string What, double Value, string Unit)> _figures = [];
    private readonly List<Verdict> _verdicts = [];
    private readonly List<(string Benchmark, string Reason)> _failures = [];

    internal void Add(string benchmark, Sample sample, string remark = "")
    {
        _samples.Add((benchmark, sample));
        Console.Out.WriteLine($"   {sample.Name,-34} {sample,-34} {remark}");
    }

    internal void Add(string benchmark, string what, double value, string unit)
    {
        _figures.Add((benchmark, what, value, unit));
        Console.Out.WriteLine($"   {what,-34} {value:0.00} {unit}");
    }

    internal void Judge(string what, double measured, double limit, string unit = "") => _verdicts.Add(new Verdict(what, measured, limit, unit));

    internal void Failed(string benchmark, string reason) => _failures.Add((benchmark, reason));

    internal string Summary()
    {
        var text = new StringBuilder("\n== targets\n");
        foreach (Verdict verdict in _verdicts)
        {
            text.Append("   ").Append(verdict).Append('\n');
        }

        foreach ((string benchmark, string reason) in _failures)
        {
            text.Append($"   {benchmark} could not be measured: {reason}\n");
        }

        return text.ToString();
    }

    internal byte[] ToJson()
    {
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("machine", Machine.Describe());
            WriteList(json, "times", _samples, item =>
            {
                json.WriteString("benchmark", item.Benchmark);
                json.WriteString("name", item.Sample.Name);
                json.WriteNumber("rounds", item.Sample.Count);
                json.WriteNumber("medianMilliseconds", item.Sample.Median);
                json.WriteNumber("minMilliseconds", item.Sample.Min);
                json.WriteNumber("maxMilliseconds", item.Sample.Max);
            });
            WriteList(json, "figures", _figures, item =>
            {
                json.WriteString("benchmark", item.Benchmark);
                json.WriteString("name", item.What);
                json.WriteNumber("value", item.Value);
                json.WriteString("unit", item.Unit);
            });
            WriteList(json, "targets", _verdicts, item =>
            {
                json.WriteString("name", item.What);
                json.WriteNumber("measured", item.Measured);
                json.WriteNumber("limit", item.Limit);
                json.WriteString("unit", item.Unit);
                json.WriteBoolean("met", item.IsMet);
            });
            WriteList(json, "failures", _failures, item =>
            {
                json.WriteString("benchmark", item.Benchmark);
                json.WriteString("reason", item.Reason);
            });
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void WriteList<T>(Utf8JsonWriter json, string name, List<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
