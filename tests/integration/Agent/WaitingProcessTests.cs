using System.Diagnostics;
using System.Text;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Agent;

/// <summary>
/// The process that the agent keeps waiting for the next exec, watched and killed by a container that shares the machine's pid namespace.
/// What is looked for changes by itself (a clone that has served ends, the next is made when it is quiet), so every test waits for a state.
/// </summary>
[Collection(nameof(AgentVm))]
public sealed class WaitingProcessTests(AgentVm vm)
{
    // Asked on its stdin, answered without an exec, which would take what is looked at. ps puts a name in braces before arguments that do
    // not begin with it.
    private const string Watch = """
        while read what pid; do
            case $what in
                list) ps -o pid,args | while read -r pid first rest; do
                          case $first in '{'*) line=$rest ;; *) line="$first $rest" ;; esac
                          case $line in 'caisson-agent init template'*) echo "$pid" ;; esac
                      done ;;
                show) cat "/proc/$pid/cgroup"; grep -E '^NSpid:' "/proc/$pid/status" ;;
                kill) kill -9 "$pid" ;;
            esac 2>/dev/null
            echo done
        done
        """;

    [VmFact]
    public async Task Every_request_has_a_process_of_its_own()
    {
        await using TestContainer container = await CreateWatcherAsync();
        var watcher = new Watcher(container);
        Waiting before = await watcher.UntilAsync(static _ => true);

        Assert.Equal((4, "one\n"), await container.RunAsync("echo one; exit 4"));

        await watcher.UntilAsync(after => after.Template == before.Template && after.Ready != before.Ready);
    }

    [VmFact]
    public async Task Waiting_process_is_in_no_cgroup_or_pid_namespace_of_a_container()
    {
        await using TestContainer container = await CreateWatcherAsync();
        var watcher = new Watcher(container);
        Waiting waiting = await watcher.UntilAsync(static _ => true);

        foreach (int pid in new[] { waiting.Template, waiting.Ready })
        {
            string shown = await watcher.AskAsync($"show {pid}");

            Assert.Contains("/agent\n", shown, StringComparison.Ordinal);
            Assert.Contains($"NSpid:\t{pid}\n", shown, StringComparison.Ordinal);
        }
    }

    [VmFact]
    public async Task Death_of_the_waiting_process_is_not_noticed_by_the_next_exec()
    {
        await using TestContainer container = await CreateWatcherAsync();
        var watcher = new Watcher(container);
        Waiting before = await watcher.UntilAsync(static _ => true);

        await watcher.AskAsync($"kill {before.Ready}");

        Assert.Equal((3, "without it\n"), await container.RunAsync("echo without it; exit 3"));
        await watcher.UntilAsync(after => after.Template == before.Template && after.Ready != before.Ready);
    }

    [VmFact]
    public async Task Death_of_the_template_and_of_its_clone_is_made_up_for()
    {
        await using TestContainer container = await CreateWatcherAsync();
        var watcher = new Watcher(container);
        Waiting before = await watcher.UntilAsync(static _ => true);

        await watcher.AskAsync($"kill {before.Template}");
        await watcher.AskAsync($"kill {before.Ready}");

        Assert.Equal((5, "by itself\n"), await container.RunAsync("echo by itself; exit 5"));
        await watcher.UntilAsync(after => after.Template != before.Template && after.Ready != before.Ready);
    }

    private async Task<TestContainer> CreateWatcherAsync()
    {
        TestContainer container = await vm.CreateAsync(
            Watch, spec => spec with { Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces.Where(ns => ns.Type != "pid")] } });
        await container.StartAsync();

        // An exec before the machine was quiet for the first time is served too; afterwards there is something to wait for.
        Assert.Equal((0, "first\n"), await container.RunAsync("echo first"));
        return container;
    }

    /// <summary>The template is older than what it makes.</summary>
    private readonly record struct Waiting(int Template, int Ready);

    private sealed class Watcher(TestContainer container)
    {
        // Longer than a clone that has served takes to end, and than what is prepared in quiet times takes to come.
        private static readonly TimeSpan s_stable = TimeSpan.FromSeconds(1);

        private ulong _asked;
        private ulong _read;

        internal async Task<string> AskAsync(string question)
        {
            byte[] line = Encoding.ASCII.GetBytes(question + "\n");
            await container.WriteAsync(_asked, line);
            _asked += (ulong)line.Length;
            string answer = "";
            while (!answer.EndsWith("done\n", StringComparison.Ordinal))
            {
                Protocol.ReadStreamResponse part = await container.ReadAsync(_read);
                _read += (ulong)part.Data.Length;
                answer += part.Data.ToStringUtf8();
                Assert.False(part.Eof, answer);
            }

            return answer[..^"done\n".Length];
        }

        /// <summary>Waits until there are the template and one clone, the same ones twice, and they are as wished.</summary>
        internal async Task<Waiting> UntilAsync(Func<Waiting, bool> wished)
        {
            long start = Stopwatch.GetTimestamp();
            Waiting? seen = null;
            while (true)
            {
                string answer = await AskAsync("list");
                int[] pids = [.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).Order()];
                Waiting? now = pids.Length == 2 ? new Waiting(pids[0], pids[1]) : null;
                if (now is { } waiting && now == seen && wished(waiting))
                {
                    return waiting;
                }

                seen = now;
                Assert.True(Stopwatch.GetElapsedTime(start) < Deadline.Patience, $"processes of the template: {string.Join(' ', pids)}");
                await Task.Delay(s_stable);
            }
        }
    }
}
