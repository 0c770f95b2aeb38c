using System.Buffers.Binary;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>The process behind <see cref="InitTemplate"/>: waits for orders, and clones itself for each.</summary>
internal static class TemplateProcess
{
    internal const int OrdersNumber = 3;

    private const byte Taken = 1;

    internal static int Run()
    {
        Prctl.SetDumpable(false);
        Descriptors.CloseOnExecFrom(OrdersNumber);
        using UnixSocket orders = UnixSocket.FromNumber(OrdersNumber);
        TemplateRehearsal.Run();
        byte[] order = new byte[1];
        while (true)
        {
            ReceivedMessage message = orders.ReceiveMessage(order, maxDescriptors: 1);
            if (message.Length == 0)
            {
                return 0;
            }

            // The clone is the creator's child, so that the process that it makes in turn can be so too.
            using UnixSocket requests = UnixSocket.FromNumber(message.Descriptors[0].Release());
            using ClonedProcess clone = ManagedClone.Run(new CloneRequest { Flags = CloneFlags.Parent }, () =>
            {
                orders.Dispose();
                return Serve(requests, order[0] == InitTemplate.InAdvance);
            });
        }
    }

    private static int Serve(UnixSocket requests, bool hasTime)
    {
        if (hasTime)
        {
            TemplateRehearsal.Run();
        }

        if (!TryReceive(requests, out byte[] document, out IReadOnlyList<FileFd> descriptors))
        {
            return 0;    // never needed
        }

        requests.Write([Taken]);
        requests.Dispose();
        int code = VerbRequest.Serve(document, descriptors);

        // The process that counts has begun. What is left of this one must neither hold its streams open nor take its time.
        Descriptors.CloseFrom(0);
        Scheduling.SetPolicy(0, SchedulingPolicy.Idle, 0);
        return code;
    }

    private static bool TryReceive(UnixSocket requests, out byte[] document, out IReadOnlyList<FileFd> descriptors)
    {
        byte[] buffer = new byte[VerbRequest.UsualBytes];
        ReceivedMessage first = requests.ReceiveMessage(buffer, UnixSocket.MaxDescriptorsPerMessage);
        document = [];
        descriptors = first.Descriptors;
        if (first.Length < sizeof(int))
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(buffer);
        int came = first.Length - sizeof(int);
        document = new byte[length];
        buffer.AsSpan(sizeof(int), came).CopyTo(document);
        while (came < length)
        {
            int count = requests.Read(document.AsSpan(came));
            if (count == 0)
            {
                return false;
            }

            came += count;
        }

        return true;
    }
}
