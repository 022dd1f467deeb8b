using Prometheus;

namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// The labels <c>tenant</c> and <c>account</c> of one account's series. An account's id is unique within its tenant only, so neither label
/// stands alone.
/// </summary>
public readonly record struct AccountLabel(string Tenant, string Account);

/// <summary>The series of one account.</summary>
public static class AccountSeriesExtensions
{
    /// <param name="rest">Values of the labels behind <c>tenant</c> and <c>account</c>.</param>
    public static TChild Of<TChild>(this Collector<TChild> metric, AccountLabel label, params ReadOnlySpan<string> rest)
        where TChild : ChildBase => metric.WithLabels([label.Tenant, label.Account, .. rest]);

    public static void Remove<TChild>(this Collector<TChild> metric, AccountLabel label, params ReadOnlySpan<string> rest)
        where TChild : ChildBase => metric.RemoveLabelled([label.Tenant, label.Account, .. rest]);
}
