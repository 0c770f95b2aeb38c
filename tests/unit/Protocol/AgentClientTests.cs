using System.Net.Sockets;
using System.Reflection;
using Caisson.Protocol;
using Caisson.Ttrpc;
using Caisson.UnitTests.Ttrpc;
using Google.Protobuf;

namespace Caisson.UnitTests.Protocol;

public sealed class AgentClientTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Every_method_of_the_client_reaches_its_own_handler()
    {
        var called = new List<string>();
        await using var server = new TtrpcServer();
        server.Register(Recorder.Create<IAgentService>(called));
        server.Register(Recorder.Create<IAgentHealth>(called));
        server.Register(Recorder.Create<IAgentExtensions>(called));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new AgentClient(new TtrpcClient(left, "agent"));
        MethodInfo[] methods = [.. typeof(AgentClient).GetMethods().Where(m => m.Name.EndsWith("Async") && m.GetParameters().Length == 2)];

        foreach (MethodInfo method in methods)
        {
            object request = Activator.CreateInstance(method.GetParameters()[0].ParameterType)!;
            await ((Task)method.Invoke(client, [request, CancellationToken.None])!).WaitAsync(s_patience);
        }

        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);

        // No method of the wire: it follows an answer.
        Assert.Single(called, nameof(IAgentService.SandboxDestroyedAsync));
        called.Remove(nameof(IAgentService.SandboxDestroyedAsync));
        Assert.Equal(methods.Select(m => m.Name), called);
        Assert.Equal(37, called.Count);
    }

    [Fact]
    public async Task List_of_very_many_tiny_entries_is_not_read()
    {
        var many = new Interfaces();
        many.Items.AddRange(Enumerable.Range(0, 100_000).Select(_ => new Interface()));
        await using var server = new TtrpcServer();
        server.Register("grpc.AgentService", "ListInterfaces", ListInterfacesRequest.Parser, (_, _) => Task.FromResult(many));
        server.Register("grpc.AgentService", "ListRoutes", ListRoutesRequest.Parser, (_, _) => Task.FromResult(new Routes { Items = { new Route { Dest = "::/0" } } }));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new AgentClient(new TtrpcClient(left, "agent"));

        TtrpcException refused = await Assert.ThrowsAsync<TtrpcException>(() => client.ListInterfacesAsync(new ListInterfacesRequest()).WaitAsync(s_patience));

        Assert.Equal((TtrpcCode.ResourceExhausted, "the response is 200000 bytes long; at most 196608 are read"), (refused.Code, refused.Message));
        Assert.Single((await client.ListRoutesAsync(new ListRoutesRequest()).WaitAsync(s_patience)).Items);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Output_is_read_by_offset()
    {
        await using var server = new TtrpcServer();
        server.Register<ReadStreamRequest, ReadStreamResponse>("grpc.AgentService", "ReadStdout", ReadStreamRequest.Parser, (request, _) =>
            Task.FromResult(new ReadStreamResponse { Data = ByteString.CopyFromUtf8("rest"), Offset = request.Offset, Eof = request.HasOffset }));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new AgentClient(new TtrpcClient(left, "agent"));

        ReadStreamResponse answer = await client.ReadStdoutAsync(new ReadStreamRequest { ContainerId = "c", Offset = 1UL << 40, HasOffset = true });

        Assert.Equal(1UL << 40, answer.Offset);
        Assert.True(answer.Eof);
        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }

    [Fact]
    public async Task A_hanging_agent_costs_the_timeout_and_not_more()
    {
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        await using NetworkStream silent = right;
        await using var client = new AgentClient(new TtrpcClient(left, "agent"), new AgentTimeouts { Check = TimeSpan.FromMilliseconds(50) });

        TtrpcException failure = await Assert.ThrowsAsync<TtrpcException>(() => client.CheckAsync(new CheckRequest()).WaitAsync(s_patience));

        Assert.Equal(TtrpcCode.DeadlineExceeded, failure.Code);
        Assert.Contains("Check", failure.Message);
    }

    [Theory]
    [InlineData("CreateContainer")]
    [InlineData("CopyFile")]
    [InlineData("WriteStdin")]
    public async Task Random_bytes_for_a_request_come_back_as_an_invalid_argument_or_are_served(string method)
    {
        var random = new Random(20261121);
        await using var server = new TtrpcServer();
        server.Register(Recorder.Create<IAgentService>([]));
        (NetworkStream left, NetworkStream right) = SocketPair.Create();
        Task serving = server.ServeAsync(right);
        await using var client = new TtrpcClient(left, "agent");
        for (int round = 0; round < 300; round++)
        {
            byte[] noise = new byte[random.Next(1, 80)];
            random.NextBytes(noise);
            try
            {
                await client.CallAsync("grpc.AgentService", method, new RawMessage(noise), RawMessage.Parser, s_patience);
            }
            catch (TtrpcException refused)
            {
                Assert.Equal(TtrpcCode.InvalidArgument, refused.Code);
            }
        }

        await client.DisposeAsync();
        await serving.WaitAsync(s_patience);
    }
}
