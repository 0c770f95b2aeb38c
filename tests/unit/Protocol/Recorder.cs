using System.Reflection;

namespace Caisson.UnitTests.Protocol;

/// <summary>Serves every method of an interface with an empty answer and notes its name.</summary>
public class Recorder : DispatchProxy
{
    private List<string> _called = [];

    internal static T Create<T>(List<string> called)
        where T : class
    {
        T service = Create<T, Recorder>();
        ((Recorder)(object)service)._called = called;
        return service;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        lock (_called)
        {
            _called.Add(targetMethod!.Name);
        }

        if (targetMethod.ReturnType == typeof(Task))
        {
            return Task.CompletedTask;
        }

        Type answer = targetMethod.ReturnType.GetGenericArguments()[0];
        return typeof(Task).GetMethod(nameof(Task.FromResult))!.MakeGenericMethod(answer).Invoke(null, [Activator.CreateInstance(answer)]);
    }
}
