using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Caisson.UnitTests.Removed;

/// <summary>One call in a method's body, and the static types of what it is given (the receiver first); null where nothing is known.</summary>
internal sealed record FoundCall(MethodReference Method, IReadOnlyList<TypeReference?> Given);

/// <summary>Follows the types on a method's evaluation stack: a call of a virtual method of System.Object does not name the type it is called on.</summary>
internal sealed class StackWalk
{
    private readonly MethodDefinition _method;
    private readonly Dictionary<Instruction, List<TypeReference?>> _atTarget = [];
    private List<TypeReference?> _stack = [];

    private StackWalk(MethodDefinition method) => _method = method;

    internal static IEnumerable<FoundCall> CallsIn(MethodDefinition method) => method.HasBody ? new StackWalk(method).Walk() : [];

    private IEnumerable<FoundCall> Walk()
    {
        foreach (ExceptionHandler handler in _method.Body.ExceptionHandlers.Where(handler => handler.CatchType is not null))
        {
            _atTarget[handler.HandlerStart] = [handler.CatchType];
        }

        bool reached = true;
        foreach (Instruction instruction in _method.Body.Instructions)
        {
            Meet(instruction, reached);
            if (instruction.Operand is MethodReference called)
            {
                bool takesReceiver = called.HasThis && instruction.OpCode.Code is not Code.Newobj;
                int count = instruction.OpCode.Code is Code.Ldftn or Code.Ldvirtftn or Code.Ldtoken ? 0 : called.Parameters.Count + (takesReceiver ? 1 : 0);
                yield return new FoundCall(called, _stack.TakeLast(count).ToList());
            }

            Execute(instruction);
            NoteTargets(instruction);
            reached = instruction.OpCode.FlowControl is not (FlowControl.Branch or FlowControl.Return or FlowControl.Throw);
        }
    }

    private void Meet(Instruction instruction, bool reached)
    {
        bool jumpedTo = _atTarget.TryGetValue(instruction, out List<TypeReference?>? brought);
        if (!reached)
        {
            _stack = jumpedTo ? [.. brought!] : [];
        }
        else if (jumpedTo && brought!.Count == _stack.Count)
        {
            _stack = _stack.Zip(brought, (fallen, jumped) => fallen ?? jumped).ToList();
        }
    }

    private void NoteTargets(Instruction instruction)
    {
        foreach (Instruction target in instruction.Operand switch { Instruction one => [one], Instruction[] many => many, _ => [] })
        {
            _atTarget.TryAdd(target, [.. _stack]);
        }
    }

    private void Execute(Instruction instruction)
    {
        TypeReference? result = Result(instruction);
        if (instruction.OpCode.StackBehaviourPop is StackBehaviour.PopAll)
        {
            _stack.Clear();
        }

        int popped = Math.Min(PopCount(instruction), _stack.Count);
        _stack.RemoveRange(_stack.Count - popped, popped);
        int pushed = PushCount(instruction);
        for (int i = 0; i < pushed; i++)
        {
            _stack.Add(result);
        }
    }

    private TypeReference? Result(Instruction instruction) => (instruction.OpCode.Code, instruction.Operand) switch
    {
        (Code.Newobj, MethodReference made) => made.DeclaringType,
        (Code.Call or Code.Callvirt, MethodReference called) =>
            Concrete(called.ReturnType, called.DeclaringType as IGenericInstance, called as IGenericInstance),
        (Code.Ldfld or Code.Ldsfld or Code.Ldflda or Code.Ldsflda, FieldReference field) =>
            Concrete(field.FieldType, field.DeclaringType as IGenericInstance, null),
        (Code.Castclass or Code.Isinst or Code.Box or Code.Unbox_Any or Code.Ldobj or Code.Ldelem_Any, TypeReference type) => type,
        (Code.Dup, _) => _stack.LastOrDefault(),
        (Code.Ldelem_Ref, _) => (_stack.ElementAtOrDefault(_stack.Count - 2) as ArrayType)?.ElementType,
        (Code.Ldind_Ref, _) => (_stack.LastOrDefault() as ByReferenceType)?.ElementType ?? _stack.LastOrDefault(),
        (_, ParameterDefinition argument) => argument == _method.Body.ThisParameter ? _method.DeclaringType : argument.ParameterType,
        (_, VariableDefinition local) => local.VariableType,
        ( >= Code.Ldarg_0 and <= Code.Ldarg_3, _) => Argument(instruction.OpCode.Code - Code.Ldarg_0),
        ( >= Code.Ldloc_0 and <= Code.Ldloc_3, _) => _method.Body.Variables[instruction.OpCode.Code - Code.Ldloc_0].VariableType,
        _ => null,
    };

    private TypeReference? Argument(int index) =>
        !_method.HasThis ? _method.Parameters[index].ParameterType : index == 0 ? _method.DeclaringType : _method.Parameters[index - 1].ParameterType;

    private static TypeReference Concrete(TypeReference type, IGenericInstance? ofType, IGenericInstance? ofMethod) =>
        type is GenericParameter parameter
            ? (parameter.Type == GenericParameterType.Method ? ofMethod : ofType)?.GenericArguments.ElementAtOrDefault(parameter.Position) ?? type
            : type;

    private static int PopCount(Instruction instruction) => instruction.OpCode.StackBehaviourPop switch
    {
        StackBehaviour.Varpop when instruction.Operand is MethodReference called =>
            called.Parameters.Count + (called.HasThis && instruction.OpCode.Code is not Code.Newobj ? 1 : 0),
        StackBehaviour.Varpop => int.MaxValue, // ret
        StackBehaviour.Pop0 or StackBehaviour.PopAll => 0,
        StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
        StackBehaviour.Popi_popi_popi or StackBehaviour.Popref_popi_popi or StackBehaviour.Popref_popi_popi8
            or StackBehaviour.Popref_popi_popr4 or StackBehaviour.Popref_popi_popr8 or StackBehaviour.Popref_popi_popref => 3,
        _ => 2,
    };

    private static int PushCount(Instruction instruction) => instruction.OpCode.StackBehaviourPush switch
    {
        StackBehaviour.Push0 => 0,
        StackBehaviour.Push1_push1 => 2,
        StackBehaviour.Varpush => instruction.Operand is MethodReference { ReturnType.MetadataType: MetadataType.Void } ? 0 : 1,
        _ => 1,
    };
}
