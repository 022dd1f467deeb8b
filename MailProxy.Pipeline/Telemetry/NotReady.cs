namespace MailProxy.Pipeline.Telemetry;

/// <summary>One reason why nothing is taken now.</summary>
/// <param name="Code">Stable: <c>not_running</c>, <c>store_unavailable</c>, <c>store_damaged</c>, <c>store_missing</c>, <c>spool_missing</c>, <c>disk_low</c>.</param>
/// <param name="Detail">For a person: what is wrong and what ends it.</param>
public sealed record NotReady(string Code, string Detail);
