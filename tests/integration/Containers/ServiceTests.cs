using System.Net.Sockets;
using System.Text;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Containers as services of a service manager: its sockets for them, and their word that they are ready.</summary>
public sealed class ServiceTests : ContainerTest
{
    [RootFact]
    public void Services_sockets_become_the_containers()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo $LISTEN_FDS $LISTEN_PID; cat <&3; ls /proc/self/fd | wc -l");

        // 3 is the service manager's, 4 is nobody's.
        CommandResult result = RunInShell(place, "echo passed > $PLACE/passed; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<$PLACE/passed 4</dev/null");

        Assert.Equal("1 1\npassed\n5\n", result.Expect());
    }

    [RootFact]
    public void Sockets_of_another_process_are_not_passed()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo \"[$LISTEN_FDS]\"; ls /proc/self/fd | wc -l");

        CommandResult result = RunInShell(place, "LISTEN_FDS=1 LISTEN_PID=1 exec \"$@\" 3</dev/null");

        Assert.Equal("[]\n4\n", result.Expect());
    }

    [RootFact]
    public void Descriptor_that_is_to_be_kept_must_be_there()
    {
        Workplace place = Place(Isolation.Namespaces);

        CommandResult refused = RunInShell(place, "exec \"$@\" 3</dev/null 4>&-", "--preserve-fds", "2");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("preserved-fd 1 (of 2)", refused.Error);
    }

    [VmFact]
    public void Descriptors_for_a_machine_are_refused()
    {
        Workplace place = Place(Isolation.Vm);

        CommandResult refused = RunInShell(place, "exec \"$@\" 3</dev/null", "--preserve-fds", "1");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("cannot be used in a virtual machine", refused.Error);
    }

    [RootFact]
    public void Start_ends_when_the_service_is_ready_and_names_its_process()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo $NOTIFY_SOCKET; sleep 1000");
        using var manager = new Manager(Path.Combine(place.Path, "manager"));
        using RunningCommand create = place.StartWith(manager.Announce, "create", "--bundle", place.Bundle.Path, place.Id);
        Assert.Equal(0, create.WaitForExit());
        int pid = (int)place.State()["pid"]!;
        using RunningCommand start = place.StartWith(manager.Announce, "start", place.Id);
        create.WaitForOutput("/run/notify/notify.sock\n");

        Say(pid, "STATUS=nearly\n");
        Assert.False(start.HasExited);
        Assert.Equal("running", place.Status());
        Say(pid, "STATUS=done\nREADY=1\n");

        Assert.Equal(0, start.CloseInput().Wait().ExitCode);
        Assert.Equal(["READY=1\n", $"MAINPID={pid}\n", "BARRIER=1"], manager.Told(3));
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Service_that_ends_before_it_is_ready_ends_the_start()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("exit 3");
        using var manager = new Manager(Path.Combine(place.Path, "manager"));

        using RunningCommand run = place.StartWith(manager.Announce, "run", "--detach", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal(0, run.CloseInput().Wait().ExitCode);
        place.WaitForStatus("stopped");
        place.Run("delete", place.Id).Expect();
    }

    [RootFact]
    public void Foreground_run_is_the_services_process()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo here; read line; exit 4");
        using var manager = new Manager(Path.Combine(place.Path, "manager"));
        using RunningCommand run = place.StartWith(manager.Announce, "run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("here\n");

        Say((int)place.State()["pid"]!, "READY=1");

        Assert.Equal(["READY=1\n", $"MAINPID={run.Pid}\n", "BARRIER=1"], manager.Told(3));
        run.Input.Write("end\n"u8);
        Assert.Equal(4, run.CloseInput().Wait().ExitCode);
    }

    // A shell, because only a process that executes the command itself knows its pid, which LISTEN_PID has to be.
    private static CommandResult RunInShell(Workplace place, string script, params string[] flags)
    {
        string[] words = ["-c", script, "sh", Executable.Path, .. place.Globals, "run", "--bundle", place.Bundle.Path, .. flags, place.Id];
        using RunningCommand shell = RunningCommand.Start("/bin/sh", words, start => start.Environment["PLACE"] = place.Path);
        return shell.CloseInput().Wait();
    }

    // What sd_notify(3) does, from outside: busybox has no command for it.
    private static void Say(int pid, string message)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTo(Encoding.UTF8.GetBytes(message), new UnixDomainSocketEndPoint($"/proc/{pid}/root/run/notify/notify.sock"));
    }

    private sealed class Manager : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        private readonly string _path;

        internal Manager(string path)
        {
            _path = path;
            _socket.Bind(new UnixDomainSocketEndPoint(path));
            _socket.ReceiveTimeout = (int)Deadline.Patience.TotalMilliseconds;
        }

        internal void Announce(System.Diagnostics.ProcessStartInfo command) => command.Environment["NOTIFY_SOCKET"] = _path;

        internal List<string> Told(int count)
        {
            var messages = new List<string>();
            byte[] buffer = new byte[4096];
            while (messages.Count < count)
            {
                messages.Add(Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer)));
            }

            return messages;
        }

        public void Dispose() => _socket.Dispose();
    }
}
