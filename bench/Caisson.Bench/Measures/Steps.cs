using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>Each command of a container's life by itself, for information.</summary>
internal sealed class Steps : IBenchmark
{
    private static readonly string[] s_steps = ["create", "start", "exec true", "kill", "delete"];

    public string Name => "steps";

    public string Title => "create, start, exec, kill, delete in namespaces, against crun and runc (for information)";

    public void Run(BenchContext context)
    {
        var bundle = Bundle.Create(context.Place, "steps", "/bin/sleep", "100000");
        List<Contestant> contestants =
        [
            new("caisson", context.Place.Caisson, ["--isolation", "namespaces"]),
            new("crun", BenchPlace.Peer("crun"), []),
            new("runc", BenchPlace.Peer("runc"), []),
        ];
        for (int round = 0; round <= context.Options.Rounds; round++)
        {
            Contestant[] order = [.. contestants];
            Random.Shared.Shuffle(order);
            foreach (Contestant contestant in order)
            {
                context.ThrowIfInterrupted();
                contestant.Live(context.Place, bundle, isMeasured: round > 0);
            }
        }

        foreach (string step in s_steps)
        {
            foreach (Contestant contestant in contestants)
            {
                context.Report.Add(Name, contestant.Samples[step]);
            }
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
                Step("exec true", "exec", id, "/bin/true");
                Step("kill", "kill", id, "KILL");
                _ = init.Wait();    // as its subreaper
                Step("delete", "delete", id);
            }
            catch
            {
                _ = new ChildCommand(program, [.. before, "delete", "--force", id]).Run();
                throw;
            }
        }
    }
}
