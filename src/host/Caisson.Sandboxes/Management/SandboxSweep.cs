using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What was left by somebody who was killed.</summary>
/// <param name="What">What it is, for people.</param>
/// <param name="Why">How it is known that nobody needs it.</param>
/// <param name="Remove">Removes it; false where it turned out to be somebody's, or would not go.</param>
internal sealed record Leftover(string What, string Why, Func<bool> Remove);

/// <summary>
/// Finds what killed owners left, by an inventory: nothing that lives or whose record is complete is among it. A stopped container, its
/// record and its sandbox's directory belong to its user; the machine of one, with nobody left to supervise it, does not.
/// </summary>
internal static class SandboxSweep
{
    // The init of a command that was killed shares the lock of its record until the kernel has ended it too.
    private static readonly TimeSpan s_lockPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_reapPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_nextLook = TimeSpan.FromMilliseconds(10);

    internal static IReadOnlyList<Leftover> Find(SandboxInventory inventory)
    {
        var found = new List<Leftover>();
        // Before the sandboxes: an undone creation takes its sandbox along.
        foreach (UnfinishedContainer container in inventory.Unfinished)
        {
            if (!container.IsCreatorAlive)
            {
                found.Add(new Leftover($"container {container.Id} in {container.Root}", "half made or half deleted by a command that was killed", () => Undo(container)));
            }
        }

        foreach (FoundSandbox sandbox in inventory.Sandboxes)
        {
            if (sandbox.Standing == SandboxStanding.Ownerless)
            {
                found.Add(new Leftover(Describe(sandbox), "whoever made it is gone, and no container's record names it", () => End(sandbox)));
            }
            else if (sandbox.Standing == SandboxStanding.Ended && sandbox.Directory is not null)
            {
                AddOrphans(found, sandbox);
            }
        }

        return found;
    }

    // Keepers are left alone: without a lifeline they end by themselves, once their readers have what they still hold.
    private static void AddOrphans(List<Leftover> found, FoundSandbox sandbox)
    {
        foreach ((string role, ProcessIdentity process) in sandbox.Helpers)
        {
            if (role is "machine" or "fileServer" && sandbox.IsAlive(process))
            {
                found.Add(new Leftover($"process {process.Pid} ({role} of sandbox {sandbox.Id})", "supervisor and guardian are gone", () => Kill(process)));
            }
        }
    }

    private static bool Kill(ProcessIdentity process)
    {
        SandboxRemains.Kill(process);
        return !process.IsAlive;
    }

    private static bool Undo(UnfinishedContainer container)
    {
        var store = new ContainerStore(container.Root);
        try
        {
            using ContainerLock? held = ContainerLock.Take(store.DirectoryOf(container.Id), container.Id, s_lockPatience);
            if (held is null)
            {
                return true;    // its next command was quicker
            }

            // Whoever holds the lock knows: a journal without a snapshot has lost its writer, and only a snapshot ends that.
            StoredContainer found = store.Look(container.Id);
            if (found.State is not (StoredState.Abandoned or StoredState.Creating))
            {
                return found.State == StoredState.Nothing;
            }

            if (found.Journal is { } journal)
            {
                IntentUndo.Undo(journal, BootId.Read());
            }

            store.Remove(container.Id);
            return true;
        }
        catch (SandboxException)
        {
            return false;
        }
    }

    private static bool End(FoundSandbox sandbox)
    {
        string path = sandbox.Directory!;
        if (sandbox.Snapshot is { } snapshot)
        {
            SandboxRemains.Kill(snapshot);
        }

        if (!SandboxRemains.End(path))
        {
            return false;
        }

        if (sandbox.Origin is { Cgroup: { } cgroup } origin)
        {
            RemoveCgroup(RecordedCgroup.Open(cgroup), origin.Unit);
        }

        new SandboxDirectory(path).Remove();
        return true;
    }

    // Another container of the same name may have come to the same cgroup meanwhile: only an empty one goes.
    private static void RemoveCgroup(Cgroup cgroup, string? unit)
    {
        if (unit is not null && cgroup.CountProcesses() == 0)
        {
            SystemdPlacement.Stop(unit);
        }

        long start = Environment.TickCount64;
        while (cgroup.Exists && cgroup.CountProcesses() == 0)
        {
            // What was killed leaves its cgroup when its parent has reaped it, and the kernel tells nobody.
            cgroup.RemoveWhereEmpty();
            if (Environment.TickCount64 - start > s_reapPatience.TotalMilliseconds)
            {
                return;
            }

            Thread.Sleep(s_nextLook);
        }
    }

    private static string Describe(FoundSandbox sandbox)
    {
        var living = new List<string>();
        foreach ((string role, ProcessIdentity process) in sandbox.Helpers)
        {
            if (sandbox.IsAlive(process))
            {
                living.Add($"{role} {process.Pid}");
            }
        }

        return living.Count == 0 ? $"sandbox {sandbox.Id}" : $"sandbox {sandbox.Id} with {string.Join(", ", living)}";
    }
}
