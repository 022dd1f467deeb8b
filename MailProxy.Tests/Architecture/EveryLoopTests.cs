using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;
using Faults = MailProxy.Tests.Support.Faults;

namespace MailProxy.Tests.Architecture;

/// <summary>
/// Every loop of the engine runs while everything that it awaits outside itself fails, each call twice and in both ways: the store's
/// answers, the log's, what a webhook's client does,
/// what a name leads to. Nothing of it may reach the engine's end, and afterwards the mail is sent, told, swept up.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.Self)]
public sealed class EveryLoopTests
{
    private const int Times = 2;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    // What these write or read at the start is the engine's own memory of what was stored: with them only the one fault of their contract
    // can be lived through.
    private static readonly HashSet<string> Contract = ["IMessageStore.AppendAsync", "IMessageStore.CommitAsync"];
    private static readonly HashSet<string> NotOfALoop =
    [
        "IMessageStore.RecoverAsync",
        "IDestinationUses.ReadAsync",
        "IMessageStore.ChangeAsync",
        "IDeliveryLog.FloorAsync",
        "IDeliveryLog.LastAsync",
        "IDeliveryLog.ProgressAsync",
        "IDeliveryLog.ReplayAsync",
        "IDeliveryLog.BacklogAsync",
        "ILinkStore.FindAsync",
        "ICircuitStore.AllAsync",
    ];

    private static IEnumerable<string> Kinds() => Faults.All.Select(fault => fault.GetType().Name);

    // Made once or twice in all, so that it never comes to work.
    private static readonly HashSet<string> Rare = ["IDeliveryLog.AppendAsync", "ICircuitStore.SaveAsync"];

    /// <summary>Every asynchronous call that a loop makes to a store.</summary>
    private static IEnumerable<string> Awaited() =>
        new[] { typeof(IMessageStore), typeof(IDeliveryLog), typeof(IRetentionStore), typeof(ILinkStore), typeof(ICircuitStore) }
            .SelectMany(type =>
                type.GetMethods()
                    .Where(method => !method.IsSpecialName && method.ReturnType.Name.Contains("Task", StringComparison.Ordinal))
                    .Select(method => $"{type.Name}.{method.Name}")
            )
            .Where(call => !NotOfALoop.Contains(call))
            .Append("Http.SendAsync")
            .Append("Dns.GetHostAddressesAsync");

    [TestCaseSource(nameof(Kinds))]
    public async Task EveryAwait_FailsTwice_TheEngineLivesAndItsWorkIsDone(string kind)
    {
        var calls = new FaultyCalls(
            call =>
                NotOfALoop.Contains(call) ? null
                : Contract.Contains(call) ? new StoreUnavailableException("The disk is full.")
                : Faults.All.First(fault => fault.GetType().Name == kind),
            Times
        );
        await using var rig = await EveryLoopRig.StartAsync(calls);

        bool Met(string call) => Rare.Contains(call) ? calls.Calls.ContainsKey(call) : calls.Passed(call);
        await rig.UntilAsync(
            () => Awaited().All(Met) && rig.IsAllDone,
            () => $"{rig.State}; not passed: {string.Join(", ", Awaited().Where(call => !Met(call)))}"
        );

        Assert.That(rig.Pipeline.Completion.IsCompleted, Is.False, rig.Pipeline.Completion.Exception?.ToString());
        await rig.Pipeline.StopAsync().WaitAsync(Deadline);
    }
}
