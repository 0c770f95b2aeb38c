using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>A container's cgroup as a unit of systemd, for the one command that makes it.</summary>
internal sealed class SystemdPlacement : IDisposable
{
    private readonly Systemd _systemd;
    private readonly SystemdUnit _unit;
    private readonly string _id;

    private SystemdPlacement(Systemd systemd, SystemdUnit unit, string id)
    {
        _systemd = systemd;
        _unit = unit;
        _id = id;
        Path = systemd.OwnCgroup() + unit.Path;
    }

    /// <summary>The cgroup's path below every hierarchy.</summary>
    internal string Path { get; }

    /// <summary>The unit's name, to be recorded.</summary>
    internal string Unit => _unit.Name;

    /// <summary>Decides on a unit; nothing is made yet. Null where the container's cgroup is not systemd's.</summary>
    /// <exception cref="SandboxException">systemd does not run here, or the configuration does not name a unit.</exception>
    internal static SystemdPlacement? Choose(CreateOrder order)
    {
        if (!order.SystemdCgroup)
        {
            return null;
        }

        SystemdUnit unit = Parse(order);
        Systemd systemd = Systemd.Connect();
        try
        {
            return new SystemdPlacement(systemd, unit, order.Id);
        }
        catch
        {
            systemd.Dispose();
            throw;
        }
    }

    /// <summary>The name of the unit that an order's container gets, or null.</summary>
    internal static string? UnitOf(CreateOrder order) => order.SystemdCgroup ? Parse(order).Name : null;

    private static SystemdUnit Parse(CreateOrder order)
    {
        string? written = order.Spec.Linux?.CgroupsPath;
        return SystemdUnit.TryParse(
            string.IsNullOrEmpty(written) ? $":caisson:{order.Id}" : written,
            out SystemdUnit unit,
            out string? problem,
            UserIds.EffectiveUser == 0 ? SystemdUnit.DefaultSlice : "user.slice")
            ? unit
            : throw new SandboxException($"linux.cgroupsPath: {problem}");
    }

    /// <summary>Has systemd make the unit, with a process in it if it is a scope.</summary>
    internal void Start(int pid, LinuxResources? resources, bool unified)
    {
        List<UnitProperty> properties =
        [
            UnitProperty.Text("Description", $"container {_id}"),
            // Not before the host's own units are up, and not stopped with them first.
            UnitProperty.Flag("DefaultDependencies", false),
            UnitProperty.Flag("CPUAccounting", true),
            UnitProperty.Flag("MemoryAccounting", true),
            UnitProperty.Flag("TasksAccounting", true),
            UnitProperty.Flag(unified ? "IOAccounting" : "BlockIOAccounting", true),
            // A scope whose last process failed goes away by itself all the same, whoever is left to delete it.
            UnitProperty.Text("CollectMode", "inactive-or-failed"),
        ];
        if (_unit.IsSlice)
        {
            properties.Add(UnitProperty.Texts("Wants", _unit.Slice));
        }
        else
        {
            properties.Add(UnitProperty.Text("Slice", _unit.Slice));
            // What is below is ours and the container's: systemd leaves it alone, and passes every controller on.
            properties.Add(UnitProperty.Flag("Delegate", true));
            properties.Add(UnitProperty.Pids(pid));
        }

        properties.AddRange(UnitResources.Of(resources, unified));
        if (!unified)
        {
            properties.AddRange(UnitDevices.Of(resources));
        }

        _systemd.Start(_unit.Name, properties);
    }

    /// <summary>Ends the unit again.</summary>
    internal void Undo() => _systemd.Stop(_unit.Name);

    /// <summary>Ends a recorded unit; one that is gone already is fine.</summary>
    internal static void Stop(string unit)
    {
        using Systemd systemd = Systemd.Connect();
        systemd.Stop(unit);
    }

    /// <summary>Tells systemd of limits that are about to be set.</summary>
    internal static void Update(string unit, LinuxResources resources, bool unified)
    {
        using Systemd systemd = Systemd.Connect();
        systemd.SetProperties(unit, UnitResources.Of(resources, unified));
    }

    public void Dispose() => _systemd.Dispose();
}
