using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// systemd as the owner of cgroups, over D-Bus (org.freedesktop.systemd1(5)): units are made, changed and stopped by it, and each call
/// returns when it has been done.
/// </summary>
internal sealed class Systemd : IDisposable
{
    private const string Service = "org.freedesktop.systemd1";
    private const string ManagerPath = "/org/freedesktop/systemd1";
    private const string Manager = "org.freedesktop.systemd1.Manager";

    private const string SystemBus = "/run/dbus/system_bus_socket";

    // systemd itself, without a bus in between: for root, and for hosts without dbus-daemon.
    private const string PrivateSocket = "/run/systemd/private";

    // The default of libsystemd for a call (sd_bus_call(3)), and what runc waits for a job.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly DBusConnection _bus;
    private bool _listens;

    private Systemd(DBusConnection bus) => _bus = bus;

    /// <summary>Whether systemd is this host's init: sd_booted(3).</summary>
    internal static bool IsRunning => FileCalls.TryStat("/run/systemd/system", out FileStatus status, out _, follow: false) && status.Type == FileType.Directory;

    /// <summary>Connects with the manager of the host, or for an ordinary user with his own.</summary>
    /// <exception cref="SandboxException">systemd does not run here, or does not answer.</exception>
    internal static Systemd Connect()
    {
        if (!IsRunning)
        {
            throw new SandboxException(
                "systemd not running on this host, cannot use systemd cgroups manager (--systemd-cgroup): leave that out, and let the engine use cgroupfs");
        }

        return UserIds.EffectiveUser == 0 ? OfHost() : OfUser();
    }

    /// <summary>The manager's own cgroup, which its units are below; empty for the host's.</summary>
    internal string OwnCgroup()
    {
        DBusMessage answer = _bus.Call(new DBusCall(
            Service, ManagerPath, "org.freedesktop.DBus.Properties", "Get", "ss", arguments => arguments.String(Manager).String("ControlGroup")));
        return new DBusReader(answer.Body).Value("v") is { Length: > 1 } path ? path : "";
    }

    /// <summary>Makes a unit; with a process, that is moved into it.</summary>
    internal void Start(string name, IReadOnlyList<UnitProperty> properties)
    {
        try
        {
            TryStart(name, properties);
        }
        catch (DBusErrorException exists) when (exists.Name == Service + ".UnitExists")
        {
            // A unit that failed is kept until somebody has seen it.
            ResetFailed(name);
            TryStart(name, properties);
        }
    }

    /// <summary>Changes a unit that is there, until the next boot.</summary>
    internal void SetProperties(string name, IReadOnlyList<UnitProperty> properties)
    {
        if (properties.Count > 0)
        {
            _bus.Call(Call("SetUnitProperties", "sba(sv)", arguments =>
            {
                arguments.String(name).Boolean(true);
                WriteProperties(arguments, properties);
            }));
        }
    }

    /// <summary>Ends a unit and forgets it; one that is gone already is fine.</summary>
    internal void Stop(string name)
    {
        try
        {
            WaitForJob(name, Call("StopUnit", "ss", arguments => arguments.String(name).String("replace")));
        }
        catch (DBusErrorException gone) when (gone.Name == Service + ".NoSuchUnit")
        {
            return;
        }

        ResetFailed(name);
    }

    public void Dispose() => _bus.Dispose();

    private static Systemd OfHost()
    {
        if (DBusConnection.TryConnect(SystemBus, isBus: true, s_patience, out DBusConnection? bus, out _)
            || DBusConnection.TryConnect(PrivateSocket, isBus: false, s_patience, out bus, out Errno why))
        {
            return new Systemd(bus!);
        }

        throw new SandboxException($"systemd: neither D-Bus ({SystemBus}) nor systemd itself ({PrivateSocket}) answers: {Failure.Words(why)}");
    }

    private static Systemd OfUser()
    {
        string? address = Environment.GetEnvironmentVariable("DBUS_SESSION_BUS_ADDRESS");
        const string PathAddress = "unix:path=";
        string? path = address?.StartsWith(PathAddress, StringComparison.Ordinal) == true ? address[PathAddress.Length..].Split(',', ';')[0]
            : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime ? $"{runtime}/bus"
            : throw new SandboxException("systemd: an ordinary user's manager is reached by DBUS_SESSION_BUS_ADDRESS (unix:path=...) or XDG_RUNTIME_DIR, and neither is set");
        return DBusConnection.TryConnect(path, isBus: true, s_patience, out DBusConnection? bus, out Errno why)
            ? new Systemd(bus!)
            : throw new SandboxException($"systemd: the user's D-Bus ({path}) does not answer: {Failure.Words(why)}");
    }

    private void TryStart(string name, IReadOnlyList<UnitProperty> properties) =>
        WaitForJob(name, Call("StartTransientUnit", "ssa(sv)a(sa(sv))", arguments =>
        {
            arguments.String(name).String("replace");
            WriteProperties(arguments, properties);
            arguments.Array(8, static _ => { });
        }));

    private void ResetFailed(string name)
    {
        try
        {
            _bus.Call(Call("ResetFailedUnit", "s", arguments => arguments.String(name)));
        }
        catch (DBusErrorException)
        {
            // It has not failed, and is gone.
        }
    }

    // Whoever asks first and listens then misses the end of a short job.
    private void WaitForJob(string name, DBusCall call)
    {
        if (!_listens)
        {
            _bus.Match($"type='signal',sender='{Service}',path='{ManagerPath}',interface='{Manager}',member='JobRemoved'");
            _bus.Call(Call("Subscribe"));
            _listens = true;
        }

        string job = new DBusReader(_bus.Call(call).Body).String();
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            DBusMessage signal = _bus.NextSignal(start, $"{call.Member} {name}");
            if (signal.Member != "JobRemoved" || signal.Signature != "uoss")
            {
                continue;
            }

            var reader = new DBusReader(signal.Body);
            reader.UInt32();
            if (reader.String() != job)
            {
                continue;
            }

            reader.String();
            string result = reader.String();
            if (result != "done")
            {
                throw new SandboxException($"systemd: {call.Member} {name}: the job ended with \"{result}\"; `systemctl status {name}` and the journal tell why");
            }

            return;
        }
    }

    private static void WriteProperties(DBusWriter writer, IReadOnlyList<UnitProperty> properties) => writer.Array(8, elements =>
    {
        foreach (UnitProperty property in properties)
        {
            property.WriteTo(elements);
        }
    });

    private static DBusCall Call(string member, string signature = "", Action<DBusWriter>? arguments = null) =>
        new(Service, ManagerPath, Manager, member, signature, arguments);
}
