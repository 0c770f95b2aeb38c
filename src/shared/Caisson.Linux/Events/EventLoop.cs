namespace Caisson.Linux;

/// <summary>
/// Readiness of descriptors as tasks: one thread in epoll_wait(2), one report per wait (EPOLLONESHOT).
/// Reading and writing may be awaited at the same time, each by any number of waiters. A descriptor is kept open while it is
/// awaited, so that its number cannot come to mean another file; whoever closes it calls <see cref="Forget"/> first.
/// The thread has no handler: an error in it ends the process, because every wait in it would hang for ever.
/// </summary>
public sealed class EventLoop : IDisposable
{
    private const int EventsPerWait = 64;
    private const PollEvents AlwaysReported = PollEvents.Error | PollEvents.HangUp;

    private static readonly Lazy<EventLoop> s_shared = new(() => new EventLoop());

    private readonly EpollFd _epoll = EpollFd.Create();
    private readonly FileFd _stop = FileFd.FromNumber((int)Libc.Check(Libc.syscall(Libc.SYS_eventfd2, 1, Libc.EventFdFlags), "eventfd"));
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Watch> _watches = []; // guarded by _gate, as everything in a Watch
    private readonly Thread _thread;
    private bool _stopping; // guarded by _gate

    /// <summary>Starts a loop and its thread.</summary>
    public EventLoop()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "events" };
        _thread.Start();
    }

    /// <summary>The loop of the process, started at its first use. Never disposed.</summary>
    public static EventLoop Shared => s_shared.Value;

    /// <summary>Completes when one of the events is there. A report may be stale: the caller tries, and waits again after EAGAIN.</summary>
    /// <param name="descriptor">A descriptor that can be polled; others, such as regular files, are ready at once.</param>
    /// <param name="wanted">The events to wait for; error and hang-up always count.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The events that are there.</returns>
    public async ValueTask<PollEvents> Ready(FileDescriptor descriptor, PollEvents wanted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter(wanted | AlwaysReported);
        if (!TryAdd(descriptor, waiter))
        {
            return wanted;
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Waiter)state!).Completion.TrySetCanceled(token), waiter);
        try
        {
            return await waiter.Completion.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Withdraw(waiter);
            throw;
        }
    }

    /// <summary>Ends all waits for a descriptor with <see cref="ObjectDisposedException"/>; to be called before it is closed.</summary>
    /// <param name="descriptor">The descriptor.</param>
    public void Forget(FileDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        lock (_gate)
        {
            if (_watches.TryGetValue(descriptor.Number, out Watch? watch) && ReferenceEquals(watch.Descriptor, descriptor))
            {
                Abandon(watch);
            }
        }
    }

    /// <summary>Stops the thread and ends all waits with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
            foreach (Watch watch in new List<Watch>(_watches.Values))
            {
                Abandon(watch);
            }
        }

        // The eventfd was readable from the start; arming it is what wakes the thread.
        if (_epoll.TryArm(_stop.Number, PollEvents.In, out Errno why))
        {
            _thread.Join();
        }
        else
        {
            throw new SyscallException("epoll_ctl(stop)", why);
        }

        _stop.Dispose();
        _epoll.Dispose();
    }

    private bool TryAdd(FileDescriptor descriptor, Waiter waiter)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            bool held = false;
            descriptor.DangerousAddRef(ref held);
            int number = descriptor.Number;
            if (_watches.TryGetValue(number, out Watch? watch))
            {
                descriptor.DangerousRelease();
            }
            else
            {
                watch = new Watch(descriptor, number);
                _watches.Add(number, watch);
            }

            waiter.Watch = watch;
            watch.Waiters.Add(waiter);
            if (_epoll.TryArm(number, watch.Wanted, out Errno why))
            {
                return true;
            }

            watch.Waiters.Remove(waiter);
            ReleaseIfIdle(watch);
            return why == Errno.EPERM ? false : throw new SyscallException($"epoll_ctl({number})", why);
        }
    }

    private void Run()
    {
        Span<Libc.EpollEvent> happened = stackalloc Libc.EpollEvent[EventsPerWait];
        while (true)
        {
            int count = _epoll.Wait(happened);
            for (int i = 0; i < count; i++)
            {
                if (!Report((int)happened[i].Tag, (PollEvents)happened[i].Events))
                {
                    return;
                }
            }
        }
    }

    private bool Report(int number, PollEvents events)
    {
        lock (_gate)
        {
            if (number == _stop.Number)
            {
                return false;
            }

            if (!_watches.TryGetValue(number, out Watch? watch))
            {
                return true; // cancelled between the event and here
            }

            for (int i = watch.Waiters.Count - 1; i >= 0; i--)
            {
                if ((watch.Waiters[i].Wanted & events) != 0)
                {
                    watch.Waiters[i].Completion.TrySetResult(events);
                    watch.Waiters.RemoveAt(i);
                }
            }

            Rearm(watch);
            return true;
        }
    }

    private void Rearm(Watch watch)
    {
        if (watch.Waiters.Count > 0 && !_epoll.TryArm(watch.Number, watch.Wanted, out Errno why))
        {
            throw new SyscallException($"epoll_ctl({watch.Number})", why);
        }

        ReleaseIfIdle(watch);
    }

    private void Withdraw(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Watch is { } watch && watch.Waiters.Remove(waiter))
            {
                ReleaseIfIdle(watch);
            }
        }
    }

    private void Abandon(Watch watch)
    {
        foreach (Waiter waiter in watch.Waiters)
        {
            waiter.Completion.TrySetException(new ObjectDisposedException(watch.Descriptor.GetType().Name));
        }

        watch.Waiters.Clear();
        ReleaseIfIdle(watch);
    }

    private void ReleaseIfIdle(Watch watch)
    {
        if (watch.Waiters.Count == 0 && _watches.Remove(watch.Number))
        {
            watch.Descriptor.DangerousRelease();
        }
    }

    private sealed class Watch(FileDescriptor descriptor, int number)
    {
        internal FileDescriptor Descriptor { get; } = descriptor;

        internal int Number { get; } = number;

        internal List<Waiter> Waiters { get; } = [];

        internal PollEvents Wanted
        {
            get
            {
                PollEvents wanted = PollEvents.None;
                foreach (Waiter waiter in Waiters)
                {
                    wanted |= waiter.Wanted;
                }

                return wanted;
            }
        }
    }

    private sealed class Waiter(PollEvents wanted)
    {
        internal PollEvents Wanted { get; } = wanted;

        internal Watch? Watch { get; set; } // set once, under the gate

        internal TaskCompletionSource<PollEvents> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
