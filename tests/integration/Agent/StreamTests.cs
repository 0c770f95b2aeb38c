using System.Security.Cryptography;
using System.Text;
using Caisson.Harness;
using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.IntegrationTests.Agent;

[Collection(nameof(AgentVm))]
public sealed class StreamTests(AgentVm vm)
{
    private const int Megabyte = 1024 * 1024;

    [VmFact]
    public async Task Twenty_megabytes_go_through_unchanged()
    {
        byte[] sent = RandomNumberGenerator.GetBytes(20 * Megabyte);
        await using TestContainer container = await vm.CreateAsync("exec cat");
        await container.StartAsync();

        Task writing = WriteAllAsync(container, sent);
        byte[] hash = await HashAsync(container, 0, IncrementalHash.CreateHash(HashAlgorithmName.SHA256));
        await writing;

        Assert.Equal(SHA256.HashData(sent), hash);
        Assert.Equal(0, await container.WaitAsync());
    }

    [VmFact]
    public async Task Exec_that_says_nothing_is_followed_by_one_call()
    {
        await using TestContainer container = await vm.CreateAsync("exec sleep 1000");
        await container.StartAsync();

        FollowExecResponse all = await container.FollowAsync(await container.ExecAsync("exit 6"));

        Assert.True(all.Exited && all.StdoutEof && all.StderrEof && all.Stdout.IsEmpty && all.Stderr.IsEmpty, all.ToString());
        Assert.Equal(6, all.ExitStatus);
    }

    [VmFact]
    public async Task Following_an_exec_loses_and_repeats_nothing()
    {
        await using TestContainer container = await vm.CreateAsync("exec sleep 1000");
        await container.StartAsync();
        string execId = await container.ExecAsync("echo out; echo err >&2; read line; echo \"$line\"; (sleep 1000 &) ; exit 3");
        string output = "";
        string error = "";

        FollowExecResponse again;
        do
        {
            // What was not acknowledged comes again; the offsets of the next question acknowledge.
            FollowExecResponse news = await container.FollowAsync(execId, (ulong)output.Length, (ulong)error.Length);
            again = await container.FollowAsync(execId, (ulong)output.Length, (ulong)error.Length);
            Assert.StartsWith(news.Stdout.ToStringUtf8(), again.Stdout.ToStringUtf8(), StringComparison.Ordinal);
            Assert.StartsWith(news.Stderr.ToStringUtf8(), again.Stderr.ToStringUtf8(), StringComparison.Ordinal);
            output += again.Stdout.ToStringUtf8();
            error += again.Stderr.ToStringUtf8();
            if (output == "out\n" && error == "err\n")
            {
                await container.WriteAsync(0, "in\n"u8.ToArray(), execId);
            }
        }
        while (!again.Exited);

        Assert.Equal((3, "out\nin\n", "err\n"), (again.ExitStatus, output, error));
        TtrpcException acknowledged = await Assert.ThrowsAsync<TtrpcException>(() => container.FollowAsync(execId));
        Assert.Equal(TtrpcCode.OutOfRange, acknowledged.Code);
    }

    [VmFact]
    public async Task Nothing_is_lost_when_the_connection_breaks_in_the_middle()
    {
        byte[] sent = RandomNumberGenerator.GetBytes(2 * Megabyte);
        await using TestContainer container = await vm.CreateAsync("exec cat");
        await container.StartAsync();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        // A read that nobody will answer, and one whose answer is thrown away.
        Task<WriteStreamResponse> write = container.WriteOnceAsync(0, sent.AsMemory(0, 100_000));
        ulong taken = (await write).Len;
        Assert.True((await container.ReadAsync(0)).Data.Length > 0);
        Task<ReadStreamResponse> abandoned = container.ReadAsync(0, error: true);
        await vm.ReconnectAsync();
        await Assert.ThrowsAsync<TtrpcException>(() => abandoned);

        ContainerRecord record = Assert.Single((await vm.Client.ListContainersAsync(new ListContainersRequest())).Containers, one => one.Id == container.Id);
        Assert.Equal(taken, record.Init.StdinReceived);
        Assert.Equal(0UL, record.Init.StdoutAcknowledged);
        Task writing = WriteAllAsync(container, sent);    // from the beginning: what the agent has is dropped there
        byte[] received = await HashAsync(container, 0, hash);
        await writing;

        Assert.Equal(SHA256.HashData(sent), received);
    }

    [VmFact]
    public async Task Acknowledged_output_is_gone_and_a_gap_in_the_input_is_refused()
    {
        await using TestContainer container = await vm.CreateAsync("echo 0123456789; exec cat");
        await container.StartAsync();
        await container.ReadUntilAsync("9\n");
        await AssertCodeAsync(TtrpcCode.OutOfRange, () => container.WriteOnceAsync(5, "x"u8.ToArray()));
        await container.WriteAsync(0, "more"u8.ToArray());

        Assert.Equal("more", (await container.ReadAsync(11)).Data.ToStringUtf8());
        await AssertCodeAsync(TtrpcCode.OutOfRange, () => container.ReadAsync(3));
        Assert.Equal("more", (await container.ReadAsync(11)).Data.ToStringUtf8());
        await container.CloseStdinAsync();
        Assert.Equal(0, await container.WaitAsync());
        await AssertCodeAsync(TtrpcCode.FailedPrecondition, () => container.WriteOnceAsync(4, "x"u8.ToArray()));
    }

    [VmFact]
    public async Task Slow_reader_stops_the_writer()
    {
        await using TestContainer container = await vm.CreateAsync("head -c 2000000 /dev/zero; echo >&2 done");
        await container.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));

        // 256 KiB in the agent and a full pipe: it cannot be done yet.
        await Assert.ThrowsAnyAsync<Exception>(() => container.ReadAsync(0, error: true, cancellationToken: patience.Token));

        long length = 0;
        await foreach (ReadOnlyMemory<byte> part in container.ReadAllAsync())
        {
            length += part.Length;
        }

        Assert.Equal(2_000_000, length);
        Assert.Equal("done\n", await container.ReadToEndAsync(error: true));
    }

    [VmFact]
    public async Task Output_ends_with_the_process_though_another_holds_the_pipe()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();

        Assert.Equal((0, "first\n"), await container.RunAsync("sleep 1000 & echo first"));
    }

    [VmFact]
    public async Task Terminal_has_the_size_it_is_given()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();
        OciProcess shell = TestSpec.Shell("stty size; read line; stty size; echo $line") with
        {
            Terminal = true,
            ConsoleSize = new OciConsoleSize { Height = 24, Width = 80 },
        };
        string exec = await container.ExecAsync(shell);
        await container.ReadUntilAsync("24 80", exec);

        await vm.Client.TtyWinResizeAsync(new TtyWinResizeRequest { ContainerId = container.Id, ExecId = exec, Row = 50, Column = 132 });
        await container.WriteAsync(0, Encoding.ASCII.GetBytes("typed\n"), exec);

        string output = await container.ReadUntilAsync("50 132", exec);
        Assert.Contains("typed\r\n", output, StringComparison.Ordinal);
        Assert.Equal(0, await container.WaitAsync(exec));
    }

    [VmFact]
    public async Task Terminal_of_the_first_process_is_its_console()
    {
        await using TestContainer container = await vm.CreateAsync(
            "echo on >/dev/console; exit 4", spec => spec with { Process = spec.Process! with { Terminal = true } });
        await container.StartAsync();

        Assert.Equal(4, await container.WaitAsync());
        Assert.Equal("on\r\n", await container.ReadToEndAsync());
        Assert.Equal("", await container.ReadToEndAsync(error: true));
    }

    [VmFact]
    public async Task Garbage_on_the_port_changes_nothing()
    {
        await using TestContainer container = await vm.CreateAsync("exec cat");
        await container.StartAsync();
        var random = new Random(4711);
        foreach (int length in (int[])[1, 40, 1000, 100_000])
        {
            byte[] garbage = new byte[length];
            random.NextBytes(garbage);
            await vm.SendGarbageAsync(garbage);
        }

        await container.WriteAsync(0, "still here"u8.ToArray());
        Assert.Equal("still here", (await container.ReadAsync(0)).Data.ToStringUtf8());
    }

    private static async Task WriteAllAsync(TestContainer container, byte[] sent)
    {
        const int Chunk = 64 * 1024;
        for (int offset = 0; offset < sent.Length; offset += Chunk)
        {
            await container.WriteAsync((ulong)offset, sent.AsMemory(offset, Math.Min(Chunk, sent.Length - offset)));
        }

        await container.CloseStdinAsync();
    }

    private static async Task<byte[]> HashAsync(TestContainer container, ulong offset, IncrementalHash hash)
    {
        await foreach (ReadOnlyMemory<byte> part in container.ReadAllAsync(offset: offset))
        {
            hash.AppendData(part.Span);
        }

        return hash.GetHashAndReset();
    }

    private static async Task AssertCodeAsync(TtrpcCode expected, Func<Task> call) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<TtrpcException>(call)).Code);
}
