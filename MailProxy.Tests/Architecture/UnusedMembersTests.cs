using Mono.Cecil;
using NUnit.Framework;

namespace MailProxy.Tests.Architecture;

/// <summary>No member of the program is there for tests alone.</summary>
internal sealed class UnusedMembersTests
{
    // What tests watch to show that nothing is left behind, and what benchmarks measure by.
    private static readonly string[] Watched =
    [
        "ConnectionLimit::get_Open",
        "SandboxMailbox::get_Received",
        "AttachmentCache::get_Bytes",
        "AttachmentFetcher::get_Aside",
        "FetchGovernor::get_Running",
        "FetchGovernor::get_Used",
        "AccountGate::get_Count",
        "DestinationGate::get_Count",
        "ActiveQueue::get_Count",
        "ActiveQueue::get_InFlight",
        "ScheduleStage::get_LaneCount",
        "SmtpPool::get_Count",
        "SealedColumns::get_Count",
        "VolumeDirectory::get_All",
        "ProfileSet::get_All",
        "HeldLanes::get_Count",
        "ProviderProfile::get_Rules",
        "RuleTally::get_Count",
        "DraftBinder::BindBatch",
        "SettingsReader::Read", // of settings that are no file
        "DraftBinder::BindOne",
        "_Imports::Execute", // the compiler's, of names that views use
    ];

    [Test]
    public void Members_OfTheProgram_AreUsedByIt()
    {
        var modules = new[] { typeof(Pipeline.MailPipeline), typeof(Daemon.Api.ApiOptions) }
            .Select(type => ModuleDefinition.ReadModule(type.Assembly.Location))
            .ToArray();
        var methods = modules.SelectMany(module => module.GetTypes()).SelectMany(type => type.Methods).ToArray();
        var used = methods
            .Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions, (method, step) => (Method: method, Step: step))
            .Where(one => one.Step.Operand is MethodReference)
            .Select(one => (one.Method, Name: NameOf((MethodReference)one.Step.Operand)))
            .Where(one => one.Name != NameOf(one.Method))
            .Select(one => one.Name)
            .ToHashSet();
        var unused = methods
            .Where(IsOrdinary)
            .Where(method => !used.Contains(NameOf(method)))
            .Select(static method => $"{method.DeclaringType.Name}::{method.Name}")
            .Order()
            .ToArray();
        Assert.That(unused.Except(Watched), Is.Empty);
        Assert.That(Watched.Except(unused), Is.Empty, "used by the program too: not for this list");
    }

    private static bool IsOrdinary(MethodDefinition method) =>
        !method.IsVirtual
        && !method.IsConstructor
        && !method.DeclaringType.IsInterface
        && !method.Name.Contains('<')
        && !method.DeclaringType.FullName.Contains('<')
        && !method.Name.StartsWith("op_", StringComparison.Ordinal)
        && !method.IsSetter
        && !method.IsAddOn
        && !method.IsRemoveOn
        && !IsData(method.DeclaringType, method)
        && method.Name is not ("Deconstruct" or "PrintMembers" or "Equals" or "ToString");

    // Read by the serializer, the configuration binder or the framework.
    private static bool IsData(TypeDefinition type, MethodDefinition method) =>
        (method.IsGetter && type.Properties.Any(static p => p.Name == "EqualityContract"))
        || type.BaseType?.FullName == "System.Text.Json.Serialization.JsonSerializerContext"
        || method.Name == "InvokeAsync"
        || (method.IsGetter && type.Properties.First(p => p.GetMethod == method).SetMethod is not null)
        || (method.IsGetter && type.Name.EndsWith("Options", StringComparison.Ordinal))
        || (method.IsGetter && type.Name.EndsWith("Settings", StringComparison.Ordinal));

    private static string NameOf(MethodReference method) =>
        $"{method.DeclaringType.GetElementType().FullName}::{method.Name}/{method.Parameters.Count}";
}
