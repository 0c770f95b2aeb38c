using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Init, freshly cloned, in one of the three ways.</summary>
internal sealed class InitProcess
{
    private InitProcess(int pid, PidFd pidFd)
    {
        Pid = pid;
        PidFd = pidFd;
    }

    internal int Pid { get; }

    internal PidFd PidFd { get; }

    /// <summary>Directly, through a stage that joins namespaces, or through the hidden verb, which is such a stage.</summary>
    internal static InitProcess Clone(InitRequest request, InitChannel channel)
    {
        if (VerbRequest.TryGive(request))
        {
            request.Channel.Dispose();
            return OfTemplate(channel);
        }

        if (request.Container.Verb is not null)
        {
            return AfterStage(VerbRequest.Start(request), channel);
        }

        if (request.Namespaces.NeedsStage)
        {
            return AfterStage(ManagedClone.Run(new CloneRequest(), () => NamespaceStage.Run(request)), channel);
        }

        using DirectoryFd? cgroup = request.EntersCgroup ? request.Cgroup!.OpenUnifiedDirectory() : null;
        CloneFlags made = request.Network is null ? CloneFlags.None : CloneFlags.NewNet;
        var clone = new CloneRequest { Flags = request.Namespaces.CloneFlags & ~made, Cgroup = cgroup };
        ClonedProcess init = ManagedClone.Run(clone, () =>
        {
            channel.Dispose();    // the creator's end: init must notice when the creator is gone
            return ContainerInit.Run(request);
        });
        return new InitProcess(init.Pid, init.PidFd);
    }

    /// <summary>Waits for init's pid and reaps the stage, or the two processes of it, all of which are our children.</summary>
    internal static InitProcess AfterStage(ClonedProcess stage, InitChannel channel)
    {
        FileFd? second = null;
        using (stage)
        {
            try
            {
                ReceivedInitMessage message = channel.Receive();
                while (message.Kind == InitMessageKind.Stage)
                {
                    second = message.Descriptor;
                    message = channel.Receive();
                }

                return Told(message);
            }
            finally
            {
                _ = stage.PidFd.Wait();
                Reap(second);
            }
        }
    }

    /// <summary>Waits for init's pid. The process that made it is nobody's to wait for: the creator reaps what it does not know.</summary>
    internal static InitProcess OfTemplate(InitChannel channel) => Told(channel.Receive());

    private static InitProcess Told(ReceivedInitMessage message) => message.Kind == InitMessageKind.Pid
        ? new InitProcess(message.Number, PidFd.FromNumber(message.Descriptor!.Release()))
        : throw new ContainerException($"container init: got {message.Kind} where its pid was due", Errno.EPROTO);

    private static void Reap(FileFd? stage)
    {
        if (stage is not null)
        {
            using PidFd process = PidFd.FromNumber(stage.Release());
            _ = process.Wait();
        }
    }

    /// <summary>Kills and reaps.</summary>
    internal void Kill()
    {
        _ = PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
        _ = PidFd.Wait();
        PidFd.Dispose();
    }
}
