using Mono.Cecil;

namespace MailProxy.Tests.Architecture;

/// <summary>One type names another, somewhere in its signature or its code.</summary>
internal readonly record struct TypeEdge(string FromNamespace, string From, string ToNamespace, string To)
{
    public override string ToString() => $"{FromNamespace}.{From} -> {ToNamespace}.{To}";
}

/// <summary>
/// Every naming of a type by another, read from the compiled code of an assembly, so that neither an unused using nor an alias deceives.
/// </summary>
internal static class TypeEdges
{
    private const int Deepest = 12;

    public static HashSet<TypeEdge> Of(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        var edges = new HashSet<TypeEdge>();
        foreach (var type in module.Types)
            Walk(type, used => Add(edges, type, used));
        return edges;
    }

    private static void Add(HashSet<TypeEdge> edges, TypeDefinition from, TypeReference used)
    {
        var to = used;
        while (to.DeclaringType is not null)
            to = to.DeclaringType;
        if (to.FullName != from.FullName)
            edges.Add(new(from.Namespace, from.Name, to.Namespace, to.Name));
    }

    private static void Walk(TypeDefinition type, Action<TypeReference> use)
    {
        Attributes(type, use);
        Use(type.BaseType, use);
        foreach (var one in type.Interfaces)
            Use(one.InterfaceType, use);
        Constraints(type.GenericParameters, use);
        foreach (var field in type.Fields)
        {
            Attributes(field, use);
            Use(field.FieldType, use);
        }

        foreach (var property in type.Properties)
            Attributes(property, use);
        foreach (var method in type.Methods)
            Walk(method, use);
        foreach (var nested in type.NestedTypes)
            Walk(nested, use);
    }

    private static void Walk(MethodDefinition method, Action<TypeReference> use)
    {
        Attributes(method, use);
        Signature(method, use);
        Constraints(method.GenericParameters, use);
        if (!method.HasBody)
            return;
        foreach (var variable in method.Body.Variables)
            Use(variable.VariableType, use);
        foreach (var handler in method.Body.ExceptionHandlers)
            Use(handler.CatchType, use);
        foreach (var instruction in method.Body.Instructions)
        {
            switch (instruction.Operand)
            {
                case TypeReference type:
                    Use(type, use);
                    break;
                case MethodReference called:
                    Use(called.DeclaringType, use);
                    Signature(called, use);
                    if (called is GenericInstanceMethod generic)
                        UseAll(generic.GenericArguments, use);
                    break;
                case FieldReference field:
                    Use(field.DeclaringType, use);
                    Use(field.FieldType, use);
                    break;
            }
        }
    }

    private static void Signature(MethodReference method, Action<TypeReference> use)
    {
        Use(method.ReturnType, use);
        foreach (var parameter in method.Parameters)
            Use(parameter.ParameterType, use);
    }

    // Their arguments are left alone: to read them, assemblies would have to be found that are not beside ours.
    private static void Attributes(ICustomAttributeProvider provider, Action<TypeReference> use)
    {
        foreach (var attribute in provider.CustomAttributes)
            Use(attribute.AttributeType, use);
    }

    private static void Constraints(IEnumerable<GenericParameter> parameters, Action<TypeReference> use)
    {
        foreach (var parameter in parameters)
            UseAll(parameter.Constraints.Select(static constraint => constraint.ConstraintType), use);
    }

    private static void UseAll(IEnumerable<TypeReference> types, Action<TypeReference> use)
    {
        foreach (var type in types)
            Use(type, use);
    }

    private static void Use(TypeReference? type, Action<TypeReference> use, int depth = 0)
    {
        if (type is null or GenericParameter || depth > Deepest)
            return;
        if (type is GenericInstanceType generic)
        {
            foreach (var argument in generic.GenericArguments)
                Use(argument, use, depth + 1);
        }

        if (type is TypeSpecification specification)
            Use(specification.ElementType, use, depth + 1);
        else
            use(type);
    }
}
