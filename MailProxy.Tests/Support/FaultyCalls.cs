using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace MailProxy.Tests.Support;

/// <summary>How often each call of the engine to something outside it fails before it works.</summary>
/// <param name="fault">What it fails with.</param>
/// <param name="times">The first so many calls fail: one at once, the next as a faulted task, and so on.</param>
internal sealed class FaultyCalls(Func<string, Exception?> fault, int times)
{
    private readonly ConcurrentDictionary<string, int> _calls = new();

    /// <summary>Calls that were made at all, failing or not.</summary>
    public IReadOnlyDictionary<string, int> Calls => _calls;

    /// <summary>Calls that went through after they had failed.</summary>
    public bool Passed(string call) => _calls.GetValueOrDefault(call) > times;

    /// <summary>What this call fails with, and whether at once; null: it works.</summary>
    public (Exception Fault, bool AtOnce)? Next(string call)
    {
        var made = _calls.AddOrUpdate(call, 1, static (_, known) => known + 1);
        return made <= times && fault(call) is { } exception ? (exception, made % 2 == 1) : null;
    }

    /// <summary>Throws, if it is this call's turn.</summary>
    public async Task MeetAsync(string call)
    {
        if (Next(call) is not { } met)
            return;
        if (!met.AtOnce)
            await Task.Yield();
        throw met.Fault;
    }
}

/// <summary>
/// Any interface of the engine, whose methods fail as they are told. Made by reflection, so that a new method is among them at once.
/// </summary>
#pragma warning disable CA1852 // the proxy that is made at run time derives from it
internal class FaultyProxy<T> : DispatchProxy
    where T : class
#pragma warning restore CA1852
{
    private T _inner = null!;
    private FaultyCalls _calls = null!;

    public static T Around(T inner, FaultyCalls calls)
    {
        var proxy = Create<T, FaultyProxy<T>>();
        ((FaultyProxy<T>)(object)proxy)._inner = inner;
        ((FaultyProxy<T>)(object)proxy)._calls = calls;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var method = targetMethod!;
        if (
            typeof(Task).IsAssignableFrom(method.ReturnType)
            || method.ReturnType.Name.StartsWith(nameof(ValueTask), StringComparison.Ordinal)
        )
        {
            if (!method.IsSpecialName && _calls.Next($"{typeof(T).Name}.{method.Name}") is { } met)
            {
                if (met.AtOnce)
                    ExceptionDispatchInfo.Throw(met.Fault);
                return Faulted(method.ReturnType, met.Fault);
            }
        }

        try
        {
            return method.Invoke(_inner, args);
        }
        catch (TargetInvocationException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerException!);
            throw;
        }
    }

    private static object Faulted(Type type, Exception fault)
    {
        if (type == typeof(Task))
            return Task.FromException(fault);
        if (type == typeof(ValueTask))
            return ValueTask.FromException(fault);
        var result = type.GetGenericArguments()[0];
        var owner = type.GetGenericTypeDefinition() == typeof(Task<>) ? typeof(Task) : typeof(ValueTask);
        return owner
            .GetMethods()
            .Single(method => method is { Name: nameof(Task.FromException), IsGenericMethod: true })
            .MakeGenericMethod(result)
            .Invoke(null, [fault])!;
    }
}
