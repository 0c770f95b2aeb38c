using Mono.Cecil;

namespace Caisson.UnitTests.Removed;

/// <summary>The check of the build that no code of ours calls a method which build/substitutions.awk removes, and the check of that check.</summary>
public sealed class RemovedCallsTests
{
    private static readonly string[] s_assemblies =
    [
        "Caisson.Containers", "Caisson.GuestImage", "Caisson.Hypervisors", "Caisson.Linux", "Caisson.Oci", "Caisson.Protocol", "Caisson.Sandboxes", "Caisson.Ttrpc",
        "caisson", "caisson-agent",
    ];

    // One for all: what the class library's types are is found out once.
    private static readonly DefaultAssemblyResolver s_resolver = new();

    public static TheoryData<string> Assemblies => [.. s_assemblies];

    public static TheoryData<string> BadOnes => [.. typeof(BadCalls).GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)
        .Select(method => method.Name).Where(name => !name.StartsWith('<'))];

    [Theory, MemberData(nameof(Assemblies))]
    public void Nothing_calls_what_the_executables_lack(string assembly)
    {
        using ModuleDefinition module = Read(assembly);

        Assert.Empty(RemovedCalls.In(module));
    }

    [Fact]
    public void No_assembly_of_the_executables_is_left_out() =>
        Assert.Equal(s_assemblies, Directory.EnumerateFiles(AppContext.BaseDirectory, "?aisson*.dll").Select(Path.GetFileNameWithoutExtension)
            .Where(name => name is not "Caisson.UnitTests").Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(BadOnes))]
    public void Bad_call_is_found(string method)
    {
        using ModuleDefinition module = Read("Caisson.UnitTests");

        // With the lambdas and state machines that the compiler made of it.
        Assert.NotEmpty(MethodsOf(module, nameof(BadCalls)).Where(one => one.Name == method || one.FullName.Contains($"<{method}>")).SelectMany(RemovedCalls.In));
    }

    [Fact]
    public void Record_that_compares_a_message_is_found()
    {
        using ModuleDefinition module = Read("Caisson.UnitTests");

        Assert.Contains(MethodsOf(module, nameof(BadRecord)).SelectMany(RemovedCalls.In), line => line.Contains("EqualityComparer`1"));
    }

    [Fact]
    public void Good_calls_are_not_taken_for_bad_ones()
    {
        using ModuleDefinition module = Read("Caisson.UnitTests");

        Assert.Empty(MethodsOf(module, nameof(GoodCalls)).SelectMany(RemovedCalls.In));
    }

    private static ModuleDefinition Read(string assembly) =>
        ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), new ReaderParameters { AssemblyResolver = s_resolver });

    private static IEnumerable<MethodDefinition> MethodsOf(ModuleDefinition module, string type) =>
        module.GetTypes().Where(one => (one.DeclaringType ?? one).Name == type).SelectMany(one => one.Methods);
}
