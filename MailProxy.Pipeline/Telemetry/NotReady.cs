namespace MailProxy.Pipeline.Telemetry;

/// <summary>One reason why nothing is taken now.</summary>
/// <param name="Code">Stable: <c>not_running</c>, <c>store_unavailable</c>, <c>store_damaged</c>, <c>store_missing</c>,
/// <c>spool_missing</c>, <c>disk_low</c>.</param>
/// <param name="Detail">For whoever runs it: what is wrong and what ends it, with paths and numbers.</param>
/// <param name="Public">The same for whoever asks without a key, where <paramref name="Detail"/> tells about the machine;
/// null: the detail itself.</param>
public sealed record NotReady(string Code, string Detail, string? Public = null);
