namespace Caisson.Bench;

/// <summary>
/// What a container costs that is one of many: creating it, and a look at all of them. Ours and runc's are alive at the same time and are
/// measured in turns, so that both meet a kernel that is as busy with cgroups and namespaces.
/// </summary>
internal sealed class Many : IBenchmark
{
    // From the issue that asks for a complete runtime, "Speed": list at 500 no slower than runc's, growth no worse than linear.
    private const double ListAtMostOfRunc = 1.0;
    private const double CreateAtMostOfRunc = 0.7;

    // Linear growth is a cost per container that stays; what is allowed beyond is for a machine that is busier an instant later.
    private const double MostGrowth = 1.5;

    private static readonly int[] s_counts = [1, 10, 100];
    private static readonly int[] s_fullCounts = [.. s_counts, 500];

    public string Name => "many";

    public string Title => "create and list among 1, 10, 100 and (with --full) 500 containers in namespaces, against runc";

    public void Run(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "many", "/bin/sleep", "100000");
        using var own = new Crowd(context.Place, bundle, context.Place.Caisson, "--isolation", "namespaces");
        using var runc = new Crowd(context.Place, bundle, BenchPlace.Peer("runc"));
        var lists = new List<(int Count, double Milliseconds)>();
        var creations = new List<(int Count, double OfRunc)>();
        foreach (int count in context.Options.IsFull ? s_fullCounts : s_counts)
        {
            own.GrowTo(count, context);
            runc.GrowTo(count, context);
            lists.Add((count, Lists(context, count, own, runc)));
            creations.Add((count, Creations(context, count, own, runc)));
        }

        JudgeGrowth(context, lists, creations);
    }

    private double Lists(BenchContext context, int count, Crowd own, Crowd runc)
    {
        string name = $"list of {count}";
        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context, context.Options.Rounds, ($"{name}, caisson", own.List), ($"{name}, runc", runc.List));
        double ofRunc = Show(context, samples, name);
        context.Report.Judge($"{name} containers, against runc", ofRunc, ListAtMostOfRunc);
        return samples[$"{name}, caisson"].Median;
    }

    private double Creations(BenchContext context, int count, Crowd own, Crowd runc)
    {
        string name = $"create among {count}";
        IReadOnlyDictionary<string, Sample> samples = Rounds.Run(
            context, context.Options.Rounds, ($"{name}, caisson", own.CreateOneMore), ($"{name}, runc", runc.CreateOneMore));
        double ofRunc = Show(context, samples, name);
        context.Report.Judge($"{name} containers, against runc", ofRunc, CreateAtMostOfRunc);
        return ofRunc;
    }

    private double Show(BenchContext context, IReadOnlyDictionary<string, Sample> samples, string name)
    {
        Sample own = samples[$"{name}, caisson"];
        Sample runc = samples[$"{name}, runc"];
        double ratio = own.Median / runc.Median;
        context.Report.Add(Name, own, $"{ratio:0.00} of runc's");
        context.Report.Add(Name, runc);
        return ratio;
    }

    // A list costs something for each container, so it is that which must not grow; the first of the counts is the start of a command.
    // A create should not cost more for being among others; the kernel's part of it does, and that runc meets too.
    private static void JudgeGrowth(BenchContext context, List<(int Count, double Milliseconds)> lists, List<(int Count, double OfRunc)> creations)
    {
        double PerContainer(int at) => (lists[at].Milliseconds - lists[0].Milliseconds) / (lists[at].Count - lists[0].Count);
        context.Report.Judge($"list: one of {lists[^1].Count} containers, against one of {lists[^2].Count}", PerContainer(lists.Count - 1) / PerContainer(lists.Count - 2), MostGrowth);
        context.Report.Judge($"create among {creations[^1].Count}, against among 1, runc's growth being 1", creations[^1].OfRunc / creations[0].OfRunc, MostGrowth);
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

        internal TimeSpan CreateOneMore()
        {
            string id = place.NewId("many");
            try
            {
                return new ChildCommand(program, [.. _before, "create", "--bundle", bundle.Path, id]).Time();
            }
            finally
            {
                _ = new ChildCommand(program, [.. _before, "delete", "--force", id]).Run();
                Orphans.ReapAll();
            }
        }

        public void Dispose() => _ids.ForEach(id => _ = new ChildCommand(program, [.. _before, "delete", "--force", id]).Run());
    }
}
