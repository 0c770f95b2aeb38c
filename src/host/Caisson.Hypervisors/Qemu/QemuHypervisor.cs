using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>Starts QEMU machines. Every socket listens before the process that serves it is started: nobody polls for anybody.</summary>
public sealed class QemuHypervisor : IHypervisor
{
    private const string VhostVsock = "/dev/vhost-vsock";
    private const string VhostNet = "/dev/vhost-net";
    private const string Kvm = "/dev/kvm";

    // QEMU has a descriptor for each device, connection and thread pool; a thousand is far more than it gets to.
    private const ulong QemuOpenFiles = 1024;

    private readonly LauncherProgram _launcher;
    private readonly QemuInstallation _installation;
    private readonly string? _fileServer;

    /// <param name="launcher">This program, for its hidden verb <c>launch</c>.</param>
    /// <param name="installation">QEMU.</param>
    /// <param name="fileServer">virtiofsd's path; null looks for it when a machine needs one.</param>
    public QemuHypervisor(LauncherProgram launcher, QemuInstallation installation, string? fileServer = null)
    {
        _launcher = launcher;
        _installation = installation;
        _fileServer = fileServer;
    }

    /// <summary>Asked after a machine was killed: whether the host's kernel reports an OOM kill in the machine's cgroup.</summary>
    public Func<bool> RanOutOfMemory { get; init; } = () => false;

    /// <summary>Whether agents can be reached by vsock on this host.</summary>
    public static bool HasVsock => File.Exists(VhostVsock);

    /// <summary>Whether the host's kernel can carry a network card's frames itself, without waking QEMU.</summary>
    public static bool HasVhostNet
    {
        get
        {
            bool opens = FileCalls.TryOpen(VhostNet, OpenFlags.O_RDWR, out FileFd device, out _);
            device.Dispose();
            return opens;
        }
    }

    public async Task<IVirtualMachine> StartAsync(VmConfig config, string directory, CancellationToken cancellationToken)
    {
        bool withVhostNet = config.NetworkCards.Count > 0 && HasVhostNet;
        IReadOnlyList<string> arguments = QemuCommandLine.Build(config, withVhostNet);
        RequireFile("guest kernel", config.Kernel);
        if (config.Initrd is not null)
        {
            RequireFile("guest initrd", config.Initrd);
        }

        var attempt = new Attempt(this, config, new VmFiles(directory), withVhostNet);
        try
        {
            return await attempt.RunAsync(arguments, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception cause)
        {
            await attempt.UndoAsync().ConfigureAwait(false);
            if (cause is SyscallException refused)
            {
                throw new HypervisorException(attempt.Step, refused.Message, cause: refused);
            }

            throw;
        }
    }

    public async Task<IVirtualMachine> AttachAsync(VmRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        var parts = new QemuMachineParts(new VmFiles(record.Directory)) { RanOutOfMemory = RanOutOfMemory };
        try
        {
            parts.Qemu = ProcessWatch.OfRecord("QEMU", record.Hypervisor);
            parts.FileServer = record.FileServer is { } server ? ProcessWatch.OfRecord("virtiofsd", server) : null;
            parts.OpenLogs();
            parts.UsesVsock = !File.Exists(parts.Files.Agent);
            return await QemuMachine.ConnectAsync(parts, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception cause)
        {
            await parts.LetGoAsync().ConfigureAwait(false);
            if (cause is SyscallException or QmpException)
            {
                throw new HypervisorException("attach", cause.Message, cause: cause);
            }

            throw;
        }
    }

    /// <summary>Which of the two processes was the reason that neither is there any more; null where neither has said anything.</summary>
    /// <param name="fileServer">How virtiofsd had ended by itself: with 0 where it has only lost QEMU.</param>
    /// <param name="fileServerWords">What it wrote.</param>
    /// <param name="qemuWords">What QEMU wrote.</param>
    internal static string? WhoseEnd(ExitStatus? fileServer, string fileServerWords, string qemuWords) =>
        fileServer is { } ended && (ended.Code != 0 || qemuWords.Length == 0) ? $"virtiofsd ended at its start: {fileServerWords}"
            : qemuWords.Length > 0 ? $"it ended at its start: {qemuWords}"
            : null;

    private static void RequireFile(string what, string path)
    {
        if (!File.Exists(path))
        {
            throw new HypervisorException($"find the {what}", $"there is no {path}", "build it: caisson guest build");
        }
    }

    /// <summary>One start, step by step; knows at each step what there is to undo.</summary>
    private sealed class Attempt(QemuHypervisor owner, VmConfig config, VmFiles files, bool withVhostNet)
    {
        private readonly QemuMachineParts _parts = new(files)
        {
            RanOutOfMemory = owner.RanOutOfMemory,
            UsesVsock = config.Agent != AgentTransport.VirtioSerial,
        };

        internal string Step { get; private set; } = "prepare";

        internal async Task<IVirtualMachine> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
        {
            files.RemoveEndpoints();
            Step = "open the logs";
            _parts.OpenLogs();

            // Closed here once the processes have them: a process's death then closes its connections.
            var descriptors = new Dictionary<int, FileDescriptor>();
            try
            {
                Step = "bind sockets";
                AddNetworkQueues(descriptors);
                descriptors[QemuDescriptors.ConsoleKeeper] = _parts.Console.Writer;
                descriptors[QemuDescriptors.Console] = _parts.Console.OpenWriteEnd();
                descriptors[QemuDescriptors.Qmp] = UnixSocket.Listen(files.Qmp);
                AddAgent(descriptors);
                if (config.SharedDirectory is not null)
                {
                    Step = "start virtiofsd";
                    descriptors[QemuDescriptors.FileSharing] = StartFileServer(config.SharedDirectory);
                }

                Step = "start QEMU";
                _parts.Qemu = StartQemu(arguments, descriptors);
            }
            finally
            {
                descriptors.Remove(QemuDescriptors.ConsoleKeeper);    // the log's own
                RemoveNetworkQueues(descriptors);                     // the caller's own
                foreach (FileDescriptor descriptor in descriptors.Values)
                {
                    descriptor.Dispose();
                }
            }

            Step = "connect to QEMU";
            return await ConnectAsync(cancellationToken).ConfigureAwait(false);
        }

        internal async Task UndoAsync()
        {
            await _parts.KillAllAsync().ConfigureAwait(false);
            await _parts.LetGoAsync().ConfigureAwait(false);
            files.RemoveEndpoints();
        }

        private void AddNetworkQueues(Dictionary<int, FileDescriptor> descriptors)
        {
            int next = QemuDescriptors.FirstNetworkQueue;
            foreach (VmNetworkCard card in config.NetworkCards)
            {
                foreach (FileDescriptor queue in card.Queues)
                {
                    descriptors[next++] = queue;
                    if (withVhostNet)
                    {
                        descriptors[next++] = FileCalls.Open(VhostNet, OpenFlags.O_RDWR);
                    }
                }
            }
        }

        private void RemoveNetworkQueues(Dictionary<int, FileDescriptor> descriptors)
        {
            int next = QemuDescriptors.FirstNetworkQueue;
            foreach (VmNetworkCard card in config.NetworkCards)
            {
                for (int queue = 0; queue < card.Queues.Count; queue++)
                {
                    descriptors.Remove(next);
                    next += withVhostNet ? 2 : 1;
                }
            }
        }

        private void AddAgent(Dictionary<int, FileDescriptor> descriptors)
        {
            if (config.Agent == AgentTransport.VirtioSerial)
            {
                descriptors[QemuDescriptors.Agent] = UnixSocket.Listen(files.Agent);
            }
            else if (config.Agent == AgentTransport.Vsock)
            {
                descriptors[QemuDescriptors.Agent] = FileCalls.Open(VhostVsock, OpenFlags.O_RDWR);
            }
        }

        // The connection is made before the server runs: it waits in the backlog, and no name of the socket is left.
        private UnixSocket StartFileServer(string directory)
        {
            if (!Directory.Exists(directory))
            {
                throw new HypervisorException("share files", $"there is no directory {directory}");
            }

            string executable = VirtiofsServer.Find(owner._fileServer);
            using UnixSocket listening = UnixSocket.Listen(files.FileSharing);
            UnixSocket connection = UnixSocket.Connect(files.FileSharing);
            try
            {
                FileCalls.TryRemove(files.FileSharing, isDirectory: false, out _);
                _parts.FileServer = ProcessWatch.OfChild(
                    VirtiofsServer.Start(owner._launcher, executable, directory, listening, _parts.FileServerLog.Writer));
                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }

        private ProcessWatch StartQemu(IReadOnlyList<string> arguments, Dictionary<int, FileDescriptor> descriptors)
        {
            (IReadOnlyList<string> own, string libraryPath) = owner._installation.Files();
            List<string> jailed = [.. own, config.Kernel];
            if (config.Initrd is not null)
            {
                jailed.Add(config.Initrd);
            }

            var instructions = new JailInstructions
            {
                Executable = owner._installation.Executable,
                Arguments = arguments,
                Environment = [$"LD_LIBRARY_PATH={libraryPath}"],
                RootMountPoint = files.Directory,
                Files = jailed,
                Devices = config.Accelerator == Accelerator.Kvm ? ["/dev/null", "/dev/urandom", Kvm] : ["/dev/null", "/dev/urandom"],
                Identity = config.Identity,
                OpenFiles = QemuOpenFiles,
            };
            return ProcessWatch.OfChild(JailedProcess.Start(
                owner._launcher, instructions, descriptors, _parts.QemuLog.Writer, JailedProcess.AllNamespaces));
        }

        private async Task<IVirtualMachine> ConnectAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await QemuMachine.ConnectAsync(_parts, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception refused) when (refused is QmpException or SyscallException)
            {
                // Refused by the kernel where QEMU has ended before the connection was made.
                string words = (refused as QmpException)?.Description ?? refused.Message;
                throw new HypervisorException("start QEMU", await ExplainAsync(words).ConfigureAwait(false), cause: refused);
            }
        }

        // A process that died says more than the connection it left.
        private async Task<string> ExplainAsync(string refusal)
        {
            const int LinesToQuote = 6;
            ExitStatus? ended = _parts.FileServer is { Ended: { IsCompleted: true } early } ? await early.ConfigureAwait(false) : null;
            await _parts.KillAllAsync().ConfigureAwait(false);
            await _parts.QemuLog.DisposeAsync().ConfigureAwait(false);
            await _parts.FileServerLog.DisposeAsync().ConfigureAwait(false);
            return WhoseEnd(ended, _parts.FileServerLog.Tail(LinesToQuote), _parts.QemuLog.Tail(LinesToQuote)) ?? refusal;
        }
    }
}
