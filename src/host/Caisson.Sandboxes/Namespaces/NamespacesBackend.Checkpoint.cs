using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Criu;

namespace Caisson.Sandboxes;

/// <summary>Checkpoint and restore, by CRIU.</summary>
public sealed partial class NamespacesBackend : ICheckpoints
{
    public void Checkpoint(ContainerRecord record, OciSpec spec, CheckpointOrder order)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(order);
        string criu = CriuProcess.Find(order.Criu);
        using OpenDirectories directories = OpenDirectories.Open(order, makeImages: true);
        Request request = CriuRequests.Dump(order, record, spec, directories);
        if (FreezerOf(record) is { } freezer)
        {
            request.Opts.FreezeCgroup = freezer;
        }

        if (!order.PreDump)
        {
            SavedStreams.Write(order.ImagePath, record.Init.Pid);
        }

        using CriuProcess process = CriuProcess.Start(criu, [], silent: order.PreDump);
        Reply answer = Ask(process, request, (step, descriptor) =>
        {
            descriptor?.Dispose();
            if (step.Script == "status-ready" && order.StatusFd >= 0)
            {
                SayReady(order.StatusFd);
            }
        });
        if (!answer.Success)
        {
            throw CriuCheck.Explain(criu, "checkpoint", answer.CrErrno, Path.Combine(order.WorkPath ?? order.ImagePath, CriuRequests.DumpLog));
        }
    }

    public int Restore(CreateOrder order, Journal journal, CheckpointOrder checkpoint, Action<ContainerRecord> running)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(running);
        Refusals.Require(Isolation.Namespaces, order.Spec);
        using ForegroundSession? session = order.Detach ? null : ForegroundSession.Begin();
        if (session is not null && !order.NoSubreaper)
        {
            Prctl.SetChildSubreaper(true);
        }

        using var restoration = new Restoration(order, journal, checkpoint) { State = (status, pid) => State(order.Id, order.Bundle, order.Spec, status, pid) };
        ContainerRecord record = restoration.Run(session);
        RunPostStart(record, order.Spec, restoration.Init);
        running(record);
        return session?.WaitFor(restoration.Init, () => ProcessWait.Wait(record.Init.Pid), order.NoSubreaper ? 0 : record.Init.Pid) ?? 0;
    }

    internal static Reply Ask(CriuProcess process, Request request, Action<Notification, FileFd?> notified)
    {
        try
        {
            return process.Ask(request, notified);
        }
        catch
        {
            // It waits for an answer that will not come.
            process.Kill();
            throw;
        }
    }

    // With v2 the one directory; CRIU 3.14 and later freeze there too.
    private static string? FreezerOf(ContainerRecord record) =>
        OpenCgroup(record) is { } cgroup && cgroup.TryGetDirectory("freezer", out string? directory) ? directory : null;

    private static void SayReady(int descriptor)
    {
        var status = FileFd.FromNumber(descriptor);
        try
        {
            status.WriteAll("\0"u8);
        }
        finally
        {
            _ = status.Release();
        }
    }
}
