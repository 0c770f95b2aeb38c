using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>Each command of a container's life by itself.</summary>
internal sealed class Steps : IBenchmark
{
    // From the issue that asks for a complete runtime, "Speed".
    private const double AtMostOfCrun = 1.0;
    private const double AtMostOfRunc = 0.7;

    private const string Delete = "delete";

    private static readonly string[] s_steps = ["create", "start", "state", "exec true", "kill", Delete];

    public string Name => "steps";

    public string Title => "create, start, state, exec, kill, delete in namespaces, against crun and runc";

    public void Run(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "steps", "/bin/sleep", "100000");
        var own = new Contestant("caisson", context.Place.Caisson, ["--isolation", "namespaces"]);
        var crun = new Contestant("crun", BenchPlace.Peer("crun"), []);
        var runc = new Contestant("runc", BenchPlace.Peer("runc"), []);
        Contestant[] order = [own, crun, runc];
        for (int round = 0; round <= context.Options.Rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (Contestant contestant in order)
            {
                context.ThrowIfInterrupted();
                contestant.Live(context.Place, bundle, isMeasured: round > 0);
            }
        }

        foreach (string step in s_steps)
        {
            Judge(context, step, own.Samples[step], crun.Samples[step], runc.Samples[step]);
        }
    }

    private void Judge(BenchContext context, string step, Sample own, Sample crun, Sample runc)
    {
        double ofCrun = own.Median / crun.Median;
        double ofRunc = own.Median / runc.Median;
        context.Report.Add(Name, own, $"{ofCrun:0.00} of crun's, {ofRunc:0.00} of runc's");
        context.Report.Add(Name, crun);
        context.Report.Add(Name, runc);
        context.Report.Judge($"{step} in namespaces, against crun", ofCrun, AtMostOfCrun);
        if (step != Delete)
        {
            context.Report.Judge($"{step} in namespaces, against runc", ofRunc, AtMostOfRunc);
        }
    }

    private sealed class Contestant(string name, string program, string[] before)
    {
        internal Dictionary<string, Sample> Samples { get; } = s_steps.ToDictionary(step => step, step => new Sample($"{step}, {name}"));

        internal void Live(BenchPlace place, Bundle bundle, bool isMeasured)
        {
            string id = place.NewId("steps");
            string pidFile = Path.Combine(place.Directory, id);
            void Step(string step, params string[] words)
            {
                TimeSpan time = new ChildCommand(program, [.. before, .. words]).Time();
                if (isMeasured)
                {
                    Samples[step].Add(time);
                }
            }

            try
            {
                Step("create", "create", "--bundle", bundle.Path, "--pid-file", pidFile, id);
                using PidFd init = PidFd.Open(int.Parse(File.ReadAllText(pidFile)));
                Step("start", "start", id);
                Step("state", "state", id);
                Step("exec true", "exec", id, "/bin/true");
                Step("kill", "kill", id, "KILL");
                _ = init.Wait();    // as its subreaper
                Step(Delete, "delete", id);
            }
            catch
            {
                _ = new ChildCommand(program, [.. before, "delete", "--force", id]).Run();
                throw;
            }
        }
    }
}
