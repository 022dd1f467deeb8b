namespace MailProxy.Pipeline.Flow;

/// <summary>What a rule asks of the rate at which an account's mail goes.</summary>
/// <param name="Factor">The share of the rate until now, 0.01 to 0.99; null: see the other.</param>
/// <param name="PerMinute">Messages a minute at most; null: see the other.</param>
/// <param name="Lasts">How long it stays so before it grows; null: a minute.</param>
public sealed record SlowDown(double? Factor, int? PerMinute, TimeSpan? Lasts);
