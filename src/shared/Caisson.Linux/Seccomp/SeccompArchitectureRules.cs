namespace Caisson.Linux;

/// <summary>A profile's rules for one architecture, by number.</summary>
internal sealed class SeccompArchitectureRules
{
    private readonly SeccompArchitecture _architecture;
    private readonly SeccompAction _default;

    /// <summary>An action under conditions; none means always.</summary>
    internal sealed record Choice(SeccompAction Action, IReadOnlyList<SeccompCondition> Conditions);

    internal SeccompArchitectureRules(SeccompProfile profile, SeccompArchitecture architecture)
    {
        _architecture = architecture;
        _default = profile.DefaultAction;
        uint last = 0;
        bool any = false;
        foreach (SeccompRule rule in profile.Rules)
        {
            foreach (string name in rule.Names)
            {
                if (SyscallTable.TryGetNumber(architecture, name, out uint number))
                {
                    last = Math.Max(last, number);
                    any = true;
                    Add(number, rule);
                }

                AddMultiplexed(name, rule);
            }
        }

        bool forbids = !profile.DefaultAction.IsPermissive
            && profile.DefaultAction != new SeccompAction(SeccompActionKind.Errno, (ushort)Errno.ENOSYS);
        FirstUnknown = profile.NewerCallsAreUnknown && forbids && any ? last + 1 : null;
    }

    /// <summary>Every call that a rule is about, by its number.</summary>
    internal Dictionary<uint, List<Choice>> Calls { get; } = [];

    /// <summary>The first number above all that the rules name, where those are to fail with ENOSYS.</summary>
    internal uint? FirstUnknown { get; }

    private void Add(uint number, SeccompRule rule)
    {
        if (!RepeatsArgument(rule.Conditions))
        {
            Add(number, new Choice(rule.Action, rule.Conditions));
            return;
        }

        foreach (SeccompCondition condition in rule.Conditions)
        {
            Add(number, new Choice(rule.Action, [condition]));
        }
    }

    private void Add(uint number, Choice choice)
    {
        if (choice.Action == _default)
        {
            return;
        }

        if (!Calls.TryGetValue(number, out List<Choice>? choices))
        {
            choices = [];
            Calls.Add(number, choices);
        }

        if (choices.Count > 0 && choices[0].Conditions.Count == 0)
        {
            return;    // decided without conditions by an earlier rule
        }

        if (choice.Conditions.Count == 0)
        {
            choices.Clear();
        }

        choices.Add(choice);
    }

    // i386 has two ways to many calls: a number, and a sub-number of socketcall(2) or ipc(2), whose own arguments lie in memory that a
    // filter cannot read. So there a rule with conditions can only forbid the whole call, or not allow it at all.
    private void AddMultiplexed(string name, SeccompRule rule)
    {
        if (_architecture != SeccompArchitecture.X86 || !TryGetMultiplexed(name, out uint number, out ulong subNumber))
        {
            return;
        }

        if (rule.Conditions.Count == 0 || !rule.Action.IsPermissive)
        {
            Add(number, new Choice(rule.Action, [new SeccompCondition(0, SeccompOperator.Equal, subNumber)]));
        }
    }

    private static bool TryGetMultiplexed(string name, out uint number, out ulong subNumber)
    {
        const uint socketcall = 102;
        const uint ipc = 117;

        // include/uapi/linux/net.h.
        subNumber = name switch
        {
            "socket" => 1,
            "bind" => 2,
            "connect" => 3,
            "listen" => 4,
            "accept" => 5,
            "getsockname" => 6,
            "getpeername" => 7,
            "socketpair" => 8,
            "send" => 9,
            "recv" => 10,
            "sendto" => 11,
            "recvfrom" => 12,
            "shutdown" => 13,
            "setsockopt" => 14,
            "getsockopt" => 15,
            "sendmsg" => 16,
            "recvmsg" => 17,
            "accept4" => 18,
            "recvmmsg" => 19,
            "sendmmsg" => 20,
            _ => 0,
        };
        number = socketcall;
        if (subNumber != 0)
        {
            return true;
        }

        // include/uapi/linux/ipc.h.
        subNumber = name switch
        {
            "semop" => 1,
            "semget" => 2,
            "semctl" => 3,
            "semtimedop" => 4,
            "msgsnd" => 11,
            "msgrcv" => 12,
            "msgget" => 13,
            "msgctl" => 14,
            "shmat" => 21,
            "shmdt" => 22,
            "shmget" => 23,
            "shmctl" => 24,
            _ => 0,
        };
        number = ipc;
        return subNumber != 0;
    }

    private static bool RepeatsArgument(IReadOnlyList<SeccompCondition> conditions)
    {
        uint seen = 0;
        foreach (SeccompCondition condition in conditions)
        {
            uint bit = 1u << (condition.Index & 31);
            if ((seen & bit) != 0)
            {
                return true;
            }

            seen |= bit;
        }

        return false;
    }
}
