using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Caisson.Fuzz;

/// <summary>The process that feeds one target. Everything it does follows from the seed, but for where a time ends it.</summary>
internal sealed class Worker(IFuzzTarget target, FuzzOptions options, CurrentInput current)
{
    private const int MaxCorpus = 4000;

    private readonly Random _random = new(options.Seed);
    private readonly List<byte[]> _corpus = [];
    private readonly CoverageHistory _history = new();
    private readonly byte[][] _words = [.. target.Words.Select(Encoding.UTF8.GetBytes)];
    private long _executions;

    /// <returns>0 when nothing was found.</returns>
    internal int Run()
    {
        // The first run of everything has static constructors in it; a second one counts.
        foreach (byte[] seed in target.Seeds)
        {
            Coverage.Clear();
            if (Fails(seed) || Fails(seed))
            {
                return 1;
            }

            Keep(seed);
        }

        long began = Stopwatch.GetTimestamp();
        while (options.Executions > 0 ? _executions < options.Executions : Stopwatch.GetElapsedTime(began) < options.Time)
        {
            byte[] input = Next();
            if (input.Length <= CurrentInput.MaxBytes && Fails(input))
            {
                return 1;
            }

            if (_history.Add())
            {
                Keep(input);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target.Name,-20} {_executions,9} inputs, {_executions / Stopwatch.GetElapsedTime(began).TotalSeconds,7:0} a second, {_history.Edges,5} branches, {_corpus.Count,4} kept"));
        return 0;
    }

    private byte[] Next()
    {
        byte[] Pick() => _corpus.Count == 0 ? [] : _corpus[_random.Next(3) == 0 ? _random.Next(_corpus.Count) : _corpus.Count - 1 - _random.Next(Math.Min(_corpus.Count, 64))];
        return target.Shape.Mutate(Pick(), Pick(), _words, _random);
    }

    private bool Fails(byte[] input)
    {
        _executions++;
        Coverage.Clear();
        current.Begin(input);
        if (Execution.Try(target, input) is not { } why)
        {
            return false;
        }

        byte[] least = Execution.Shrink(target, input);
        why = Execution.Try(target, least) ?? why;
        string file = Findings.Save(options.Place, target.Name, least, why);
        Console.WriteLine(Findings.Report(target.Name, file, least, why));
        return true;
    }

    private void Keep(byte[] input)
    {
        _ = _history.Add();
        if (_corpus.Count < MaxCorpus)
        {
            _corpus.Add(input);
        }
        else
        {
            _corpus[_random.Next(_corpus.Count)] = input;
        }
    }
}
