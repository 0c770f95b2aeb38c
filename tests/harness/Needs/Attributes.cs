using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Caisson.Harness;

/// <summary>A test that makes containers on this kernel.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Host.WhyNoContainers ?? "needs root";
        SkipType = typeof(Host);
        SkipUnless = nameof(Host.CanMakeContainers);
    }
}

/// <summary>A test that boots a virtual machine.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class VmFactAttribute : FactAttribute
{
    public VmFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Host.WhyNoMachines ?? "needs a host that can boot a virtual machine";
        SkipType = typeof(Host);
        SkipUnless = nameof(Host.CanBootMachines);
    }
}

/// <summary>A theory about containers on this kernel.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Host.WhyNoContainers ?? "needs root";
        SkipType = typeof(Host);
        SkipUnless = nameof(Host.CanMakeContainers);
    }
}

/// <summary>A test that repeats for a long time: only <c>./dev test --soak</c> runs it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SoakFactAttribute : FactAttribute, ITraitAttribute
{
    public SoakFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = "only in ./dev test --soak, as root";
        SkipType = typeof(SoakFactAttribute);
        SkipUnless = nameof(IsWanted);
    }

    public static bool IsWanted => Host.Soaks && Host.CanMakeContainers;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Category", "Soak")];
}

/// <summary>A theory that repeats for a long time.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SoakTheoryAttribute : TheoryAttribute, ITraitAttribute
{
    public SoakTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = "only in ./dev test --soak, as root";
        SkipType = typeof(SoakFactAttribute);
        SkipUnless = nameof(SoakFactAttribute.IsWanted);
    }

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Category", "Soak")];
}

/// <summary>Runs one body in each isolation that is there: what both can do, both do alike.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IsolationsAttribute : DataAttribute
{
    /// <summary>Machines take too long for each run of the tests: only <c>./dev test --soak</c> boots them.</summary>
    public bool SoakInMachines { get; init; }

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        List<ITheoryDataRow> rows = [new TheoryDataRow<Isolation>(Isolation.Namespaces) { Skip = Host.CanMakeContainers ? null : Host.WhyNoContainers }];
        // Left out, and not marked by a trait: the runner chooses by the traits of methods.
        if (!SoakInMachines || Host.Soaks)
        {
            rows.Add(new TheoryDataRow<Isolation>(Isolation.Vm) { Skip = Host.CanBootMachines ? null : Host.WhyNoMachines });
        }

        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(rows);
    }

    public override bool SupportsDiscoveryEnumeration() => true;
}

/// <summary>A theory whose cases need a virtual machine.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class VmTheoryAttribute : TheoryAttribute
{
    public VmTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Host.WhyNoMachines ?? "needs a host that can boot a virtual machine";
        SkipType = typeof(Host);
        SkipUnless = nameof(Host.CanBootMachines);
    }
}
