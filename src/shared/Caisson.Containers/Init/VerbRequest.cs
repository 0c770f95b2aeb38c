using System.Buffers;
using System.Text;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// A request that crosses execve(2): the hidden verb's process reads it from descriptor 3, and finds the other descriptors at the numbers
/// that it names. Both sides are the same executable, so this is no format that lasts.
/// </summary>
internal static class VerbRequest
{
    /// <summary>What a request comes to as a rule: a larger one takes a second read.</summary>
    internal const int UsualBytes = 16 * 1024;

    private const int RequestNumber = 3;

    // A configuration is at most as large as its reader allows, and this holds one or two.
    private const int MaxRequestBytes = 64 * 1024 * 1024;

    /// <summary>Gives a request for a new container to a process that waits for it.</summary>
    /// <returns>False if there is none: nothing has happened.</returns>
    internal static bool TryGive(InitRequest request)
    {
        if (request.Container.Verb?.Template is not { } template)
        {
            return false;
        }

        var descriptors = new DescriptorTable(0);
        AddDescriptors(descriptors, request);
        AddStreams(descriptors, request.Container.Streams);
        return TryGive(template, Document(request, descriptors), descriptors);
    }

    /// <summary>Gives a request for a process in a running container to a process that waits for it.</summary>
    /// <returns>False if there is none: nothing has happened.</returns>
    internal static bool TryGive(ExecStageRequest request)
    {
        // Who waits has a single thread and can be born where it is to be; around the move there would be nobody to set affinities.
        bool canPlaceItself = request.Exec.Process.ExecCpuAffinity is null && request.Exec.Cgroup is null or { IsUnified: true };
        if (request.Exec.Verb?.Template is not { } template || !canPlaceItself)
        {
            return false;
        }

        using DirectoryFd? cgroup = request.Exec.Cgroup?.OpenUnifiedDirectory();
        var descriptors = new DescriptorTable(0);
        AddDescriptors(descriptors, request);
        descriptors.Add("cgroup", cgroup);
        AddStreams(descriptors, request.Exec.Streams);
        return TryGive(template, Document(request, descriptors), descriptors);
    }

    /// <summary>Clones by stub and executes the verb for a new container.</summary>
    internal static ClonedProcess Start(InitRequest request)
    {
        var descriptors = new DescriptorTable(RequestNumber + 1);
        AddDescriptors(descriptors, request);
        return Start(request.Container.Verb!, request.Container.Streams, Document(request, descriptors), descriptors);
    }

    /// <summary>Clones by stub and executes the verb for a process in a running container.</summary>
    internal static ClonedProcess Start(ExecStageRequest request)
    {
        var descriptors = new DescriptorTable(RequestNumber + 1);
        AddDescriptors(descriptors, request);
        return Start(request.Exec.Verb!, request.Exec.Streams, Document(request, descriptors), descriptors);
    }

    private static void AddDescriptors(DescriptorTable descriptors, InitRequest request)
    {
        ContainerRequest container = request.Container;
        descriptors.Add("channel", request.Channel.Descriptor);
        descriptors.Add("console", container.ConsoleSocket);
        descriptors.Add("fifo", request.Fifo);
        descriptors.Add("rootfs", container.Rootfs);
        descriptors.Add("preparedRootfs", request.PreparedRootfs);
        descriptors.AddAll("source.", container.MountSources);
        descriptors.AddAll("prepared.", request.PreparedSources);
    }

    private static void AddDescriptors(DescriptorTable descriptors, ExecStageRequest request)
    {
        descriptors.Add("channel", request.Channel.Descriptor);
        descriptors.Add("console", request.Exec.ConsoleSocket);
        descriptors.Add("init", request.Init);
    }

    private static void AddStreams(DescriptorTable descriptors, StandardStreams? streams)
    {
        descriptors.Add("stdin", streams?.Input);
        descriptors.Add("stdout", streams?.Output);
        descriptors.Add("stderr", streams?.Error);
    }

    private static byte[] Document(InitRequest request, DescriptorTable descriptors) => Document(json =>
    {
        ContainerRequest container = request.Container;
        json.WriteString("id", container.Id);
        json.WriteString("bundle", container.Bundle);
        json.WriteBoolean("noPivot", container.NoPivot);
        json.WriteBoolean("noNewKeyring", container.NoNewKeyring);
        json.WriteBoolean("rootless", request.IsRootless);
        json.WriteString("cgroup", request.Cgroup?.Path);
        descriptors.Write(json);
        json.WritePropertyName("spec");
        json.WriteRawValue(SpecWriter.Write(container.Spec), skipInputValidation: true);
    });

    private static byte[] Document(ExecStageRequest request, DescriptorTable descriptors) => Document(json =>
    {
        ExecRequest exec = request.Exec;
        json.WriteString("id", exec.Id);
        json.WriteString("bundle", exec.Bundle);
        json.WriteNumber("kinds", (uint)request.Kinds);
        descriptors.Write(json);
        json.WritePropertyName("process");
        json.WriteRawValue(SpecWriter.Write(exec.Process), skipInputValidation: true);
        json.WritePropertyName("spec");
        json.WriteRawValue(SpecWriter.Write(ForExec(exec.Spec)), skipInputValidation: true);
    });

    private static bool TryGive(InitTemplate template, byte[] document, DescriptorTable descriptors) =>
        template.TryGive(document, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(descriptors.ToList()));

    // What an exec shares with the container, and no more: both sides would spend milliseconds on the rest under emulation.
    private static OciSpec ForExec(OciSpec spec) => new()
    {
        OciVersion = spec.OciVersion,
        Linux = spec.Linux is { } linux ? new OciLinux { Personality = linux.Personality, MemoryPolicy = linux.MemoryPolicy, Seccomp = linux.Seccomp } : null,
    };

    /// <summary>The verb itself.</summary>
    internal static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [InitTemplate.Argument])
        {
            return TemplateProcess.Run();
        }

        if (arguments.Count != 0)
        {
            throw new ArgumentException("the verb init takes no arguments: it is not for people", nameof(arguments));
        }

        Descriptors.CloseOnExecFrom(RequestNumber);
        using var file = FileFd.FromNumber(RequestNumber);
        using JsonDocument document = JsonDocument.Parse(file.ReadToEnd(MaxRequestBytes));
        JsonElement request = document.RootElement;
        var descriptors = DescriptorTable.Read(request, received: null);
        return request.TryGetProperty("process", out _) ? RunExec(ReadExec(request, descriptors)) : RunInit(ReadInit(request, descriptors));
    }

    /// <summary>A request that was given to a process that waited, which has a single thread.</summary>
    internal static int Serve(byte[] received, IReadOnlyList<FileFd> numbers)
    {
        using JsonDocument document = JsonDocument.Parse(received);
        JsonElement request = document.RootElement;
        var descriptors = DescriptorTable.Read(request, numbers);
        if (!request.TryGetProperty("process", out _))
        {
            return NamespaceStage.Run(ReadInit(request, descriptors));
        }

        ExecStageRequest exec = ReadExec(request, descriptors);
        return ExecStage.Run(exec, mayProceed: true);
    }

    /// <summary>Writes and reads a request for nothing, so that the next time is quicker.</summary>
    internal static void Rehearse(OciSpec spec, OciProcess process, InitChannel channel)
    {
        using PidFd self = PidFd.Open(ProcessIdentity.OwnPid);
        var exec = new ExecRequest { Id = "rehearsal", Bundle = "/", Spec = spec, Process = process, InitPid = 0 };
        var request = new ExecStageRequest { Exec = exec, Channel = channel, Init = self, Kinds = NamespaceKinds.None };
        var descriptors = new DescriptorTable(0);
        using JsonDocument document = JsonDocument.Parse(Document(request, descriptors));
        _ = DescriptorTable.Read(document.RootElement, received: []);
        _ = ParseProcess(document.RootElement);
        _ = ReadSpec(document.RootElement);
    }

    private static int RunExec(ExecStageRequest request) => InitFailure.Guard(request.Channel, () =>
    {
        // Here already: what is cloned afterwards is born in the cgroup.
        request.Channel.Expect(InitMessageKind.Proceed);
        return request.Kinds.HasFlag(NamespaceKinds.User)
            ? RunAlone(request.Channel, () => ExecStage.Run(request, mayProceed: true))
            : ExecStage.Run(request, mayProceed: true);
    });

    private static int RunInit(InitRequest request) => InitFailure.Guard(request.Channel, () =>
        request.Namespaces.JoinsAny(NamespaceKinds.User)
            ? RunAlone(request.Channel, () => NamespaceStage.Run(request))
            : NamespaceStage.Run(request));

    // An executed .NET program has a second thread, the finalizer's, and the kernel lets no process with threads change its user
    // namespace. A clone of it has one. It is made the creator's child, so that the one it clones in turn can be so too.
    private static int RunAlone(InitChannel channel, Func<int> stage)
    {
        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair();
        using (ours)
        using (theirs)
        {
            using ClonedProcess alone = ManagedClone.Run(new CloneRequest { Flags = CloneFlags.Parent }, () =>
            {
                // It goes on when we hang up, so that the creator hears of it before it hears from it.
                ours.Dispose();
                _ = theirs.Read(new byte[1]);
                return stage();
            });
            channel.SendNumber(InitMessageKind.Stage, alone.Pid, alone.PidFd);
            return 0;
        }
    }

    private static InitRequest ReadInit(JsonElement json, DescriptorTable descriptors)
    {
        OciSpec spec = ReadSpec(json);
        var container = new ContainerRequest
        {
            Id = json.GetProperty("id").GetString()!,
            Bundle = json.GetProperty("bundle").GetString()!,
            Spec = spec,
            Streams = ReadStreams(descriptors),
            NoPivot = json.GetProperty("noPivot").GetBoolean(),
            NoNewKeyring = json.GetProperty("noNewKeyring").GetBoolean(),
            ConsoleSocket = descriptors.Find("console", UnixSocket.FromNumber),
            Rootfs = descriptors.Find("rootfs", MountFd.FromNumber),
            MountSources = descriptors.FindAll("source.", MountFd.FromNumber),
            DiesWithCreator = false,    // it would die with the creator's thread, whichever that was
        };
        return new InitRequest
        {
            Container = container,
            Namespaces = NamespacePlan.From(spec.Linux),
            Channel = new InitChannel(descriptors.Find("channel", UnixSocket.FromNumber)!),
            Fifo = descriptors.Find("fifo", PathFd.FromNumber),
            PreparedSources = descriptors.FindAll("prepared.", MountFd.FromNumber),
            IsRootless = json.GetProperty("rootless").GetBoolean(),
            PreparedRootfs = descriptors.Find("preparedRootfs", MountFd.FromNumber),
            Cgroup = json.GetProperty("cgroup").GetString() is { } path ? CgroupPlace.At(path) : null,
        };
    }

    private static ExecStageRequest ReadExec(JsonElement json, DescriptorTable descriptors)
    {
        var exec = new ExecRequest
        {
            Id = json.GetProperty("id").GetString()!,
            Bundle = json.GetProperty("bundle").GetString()!,
            Spec = ReadSpec(json),
            Process = ParseProcess(json),
            InitPid = 0,    // the creator's to know: here the pidfd counts
            Streams = ReadStreams(descriptors),
            ConsoleSocket = descriptors.Find("console", UnixSocket.FromNumber),
            DiesWithCreator = false,
        };
        return new ExecStageRequest
        {
            Exec = exec,
            Channel = new InitChannel(descriptors.Find("channel", UnixSocket.FromNumber)!),
            Init = descriptors.Find("init", PidFd.FromNumber)!,
            Kinds = (NamespaceKinds)json.GetProperty("kinds").GetUInt32(),
            CgroupDirectory = descriptors.Find("cgroup", DirectoryFd.FromNumber),
        };
    }

    // Null where they are in their places already.
    private static StandardStreams? ReadStreams(DescriptorTable descriptors) =>
        descriptors.Find("stdin", FileFd.FromNumber) is { } input
            ? new StandardStreams(input, descriptors.Find("stdout", FileFd.FromNumber)!, descriptors.Find("stderr", FileFd.FromNumber)!)
            : null;

    private static OciProcess ParseProcess(JsonElement json) =>
        SpecReader.ParseProcess(Encoding.UTF8.GetBytes(json.GetProperty("process").GetRawText()), "init request");

    private static OciSpec ReadSpec(JsonElement json) =>
        SpecReader.Parse(Encoding.UTF8.GetBytes(json.GetProperty("spec").GetRawText()), "init request");

    private static byte[] Document(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static ClonedProcess Start(InitVerb verb, StandardStreams? streams, byte[] document, DescriptorTable descriptors)
    {
        using MemFd memory = MemFd.Create("caisson-init-request");
        memory.WriteAll(document);
        using FileFd request = FileCalls.Open(memory.ProcPath, OpenFlags.O_RDONLY);    // its own offset, at the beginning
        var clone = new PreparedClone();
        if (streams is not null)
        {
            clone.DuplicateTo(streams.Input, 0).DuplicateTo(streams.Output, 1).DuplicateTo(streams.Error, 2);
        }

        clone.DuplicateTo(request, RequestNumber);
        descriptors.PlaceAll(clone);
        return clone
            .CloseRangeFrom(RequestNumber + 1 + descriptors.Count)
            .ResetSignals()
            .Execveat(verb.Executable, verb.Arguments, [])
            .Start();
    }
}
