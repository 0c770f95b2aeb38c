namespace Caisson.Bench;

/// <summary>How a command that looks at all containers takes to there being many, for information.</summary>
internal sealed class Many : IBenchmark
{
    private const int FullCount = 100;

    public string Name => "many";

    public string Title => "list among 1, 10 and (with --full) 100 containers in namespaces, against runc (for information)";

    public void Run(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "many", "/bin/sleep", "100000");
        using var own = new Crowd(context.Place, bundle, context.Place.Caisson, "--isolation", "namespaces");
        using var runc = new Crowd(context.Place, bundle, BenchPlace.Peer("runc"));
        foreach (int count in (int[])[1, 10, FullCount])
        {
            if (count == FullCount && !context.Options.IsFull)
            {
                continue;
            }

            own.GrowTo(count, context);
            runc.GrowTo(count, context);
            IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
                context, context.Options.Rounds, ($"list of {count}, caisson", own.List), ($"list of {count}, runc", runc.List));
            foreach (Sample sample in samples.Values)
            {
                context.Report.Add(Name, sample);
            }
        }
    }

    private sealed class Crowd(BenchPlace place, Bundle bundle, string program, params string[] before) : IDisposable
    {
        private readonly string[] _before = [.. before, "--root", Path.Combine(place.Directory, place.NewId("root"))];
        private readonly List<string> _ids = [];

        internal void GrowTo(int count, BenchContext context)
        {
            while (_ids.Count < count)
            {
                context.ThrowIfInterrupted();
                _ids.Add(place.NewId("many"));
                _ = new ChildCommand(program, [.. _before, "run", "--detach", "--bundle", bundle.Path, _ids[^1]]).Time();
            }
        }

        internal TimeSpan List()
        {
            (int code, TimeSpan time, string output) = new ChildCommand(program, [.. _before, "list", "--quiet"]).Run();
            int found = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
            return code == 0 && found == _ids.Count
                ? time
                : throw new BenchException($"{Path.GetFileName(program)} list found {found} containers where {_ids.Count} are: {output.Trim()}");
        }

        public void Dispose() => _ids.ForEach(id => _ = new ChildCommand(program, [.. _before, "delete", "--force", id]).Run());
    }
}
