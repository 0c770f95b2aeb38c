using Mono.Cecil;

namespace Caisson.UnitTests.Removed;

/// <summary>
/// Calls that would reach a method which the executables lack (build/*substitutions*, Google.Protobuf.Substitutions.xml), directly or
/// through the class library: they compile, pass every unit test, and throw in the static executable alone. A record that holds a message
/// compares it, so it is found too.
/// </summary>
internal static class RemovedCalls
{
    private const string Collections = "Google.Protobuf.Collections";

    private static readonly string[] s_ofMessages = ["Clone", "Equals", "GetHashCode", "ToString"];
    private static readonly string[] s_ofMapFields = ["get_Keys", "get_Values", "System.Collections.ICollection.CopyTo"];
    private static readonly string[] s_searches = ["Contains", "IndexOf", "LastIndexOf", "Remove", "Clone", "Equals", "GetHashCode", "ContainsValue", "SequenceEqual"];

    // They compare, hash or print what they are instantiated over; of a dictionary, its keys.
    private static readonly string[] s_comparing =
        ["EqualityComparer`1", "IEqualityComparer`1", "IEquatable`1", "Dictionary`2", "ConcurrentDictionary`2", "HashSet`1"];

    // Methods with parameters of the type Object that only look at the reference.
    private static readonly string[] s_harmless = ["ThrowIfNull", "ReferenceEquals", "KeepAlive", "SuppressFinalize", "Enter", "Exit", "TryEnter"];

    // The local time zone; what is read without a format may need it.
    private static readonly string[] s_localTimes = ["get_Now", "get_Today", "get_LocalDateTime", "ToLocalTime", "Parse", "TryParse", "ToDateTime"];

    /// <summary>A line for each such call of a module, but for those of the generated messages themselves.</summary>
    internal static IEnumerable<string> In(ModuleDefinition module) =>
        module.GetTypes().Where(type => !IsGenerated(type)).SelectMany(type => type.Methods).SelectMany(In);

    /// <summary>A line for each such call of a method.</summary>
    internal static IEnumerable<string> In(MethodDefinition method) =>
        StackWalk.CallsIn(method).Where(Reaches).Select(call => $"{method.FullName} calls {call.Method.FullName}");

    private static bool Reaches(FoundCall call)
    {
        MethodReference method = call.Method;
        TypeReference declaring = method.DeclaringType;
        // An override is called by the name of the method that it overrides.
        bool byBase = method.HasThis && (declaring.Namespace == "System" || declaring.Resolve()?.IsInterface == true);
        TypeReference subject = byBase && call.Given.Count > 0 ? call.Given[0] ?? declaring : declaring;
        return AsksForLocalTime(method) || ReachesOf(subject, method) || ReachesOf(declaring, method) || Compares(method) || Boxes(call);
    }

    private static bool AsksForLocalTime(MethodReference method) =>
        method.DeclaringType.FullName is "System.TimeZoneInfo" or "System.TimeZone"
        || (method.DeclaringType.FullName is "System.DateTime" or "System.DateTimeOffset" or "System.Convert" && s_localTimes.Contains(method.Name));

    private static bool ReachesOf(TypeReference subject, MethodReference method)
    {
        if (IsMessage(subject))
        {
            return s_ofMessages.Contains(method.Name)
                || (method.Name is "MergeFrom" && method.Parameters is [{ ParameterType: var merged }] && (merged.IsGenericParameter || IsMessage(merged)));
        }

        return subject.Namespace is Collections
            && ((subject.Name is "MapField`2" && s_ofMapFields.Contains(method.Name)) || method.Name is "ToString");
    }

    // The class library does it, with the message as a type argument.
    private static bool Compares(MethodReference method)
    {
        TypeReference[] ofType = method.DeclaringType is GenericInstanceType type ? [.. type.GenericArguments] : [];
        TypeReference[] ofMethod = method is GenericInstanceMethod instance ? [.. instance.GenericArguments] : [];
        bool compares = ofType.Length > 0 && IsMessage(ofType[0]) && s_comparing.Contains(method.DeclaringType.Name);
        bool prints = ofMethod.Any(IsMessage) && method.Name is "AppendFormatted";
        bool searches = ofType.Concat(ofMethod).Any(IsMessage) && s_searches.Contains(method.Name);
        return compares || prints || searches;
    }

    // The class library gets it as an object: string.Concat, string.Format, object.Equals, ArrayList and the like.
    private static bool Boxes(FoundCall call)
    {
        MethodReference method = call.Method;
        if (!(method.DeclaringType.Namespace.StartsWith("System", StringComparison.Ordinal)) || s_harmless.Contains(method.Name))
        {
            return false;
        }

        int receivers = call.Given.Count - method.Parameters.Count;
        return receivers >= 0 && method.Parameters.Where((parameter, index) =>
            parameter.ParameterType.FullName == "System.Object" && call.Given[receivers + index] is { } given && IsMessage(given)).Any();
    }

    // Of protoc, with the types that are nested in a message.
    private static bool IsGenerated(TypeDefinition type) => IsMessage(type) || (type.DeclaringType is { } outer && IsGenerated(outer));

    private static bool IsMessage(TypeReference type) => type switch
    {
        GenericParameter parameter => parameter.Constraints.Any(constraint => IsMessage(constraint.ConstraintType)),
        ByReferenceType reference => IsMessage(reference.ElementType),
        { Namespace: "Google.Protobuf", Name: "IMessage" or "IMessage`1" or "IDeepCloneable`1" } => true,
        ArrayType or PointerType or { IsPrimitive: true } => false,
        _ => type.Resolve() is { } definition && definition.Interfaces.Any(one => one.InterfaceType is { Namespace: "Google.Protobuf", Name: "IMessage" or "IMessage`1" }),
    };
}
