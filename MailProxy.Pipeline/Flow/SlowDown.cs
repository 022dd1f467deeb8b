using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>What a rule asks of the rate at which an account's mail goes.</summary>
/// <param name="Factor">The share of the rate until now, 0.01 to 0.99; null: see the other.</param>
/// <param name="PerMinute">Messages a minute at most; null: see the other.</param>
/// <param name="Lasts">How long it stays so before it grows; null: a minute.</param>
public sealed record SlowDown(double? Factor, int? PerMinute, TimeSpan? Lasts);

/// <summary>The same for an account's mail to one domain.</summary>
/// <param name="Because">The rule, and the reply that it read.</param>
/// <param name="TriedAt">When the attempt was noted (Unix milliseconds): what was slowed since is not slowed again for it; null: not
/// known.</param>
public sealed record SlowedDestination(AccountKey Account, string Domain, SlowDown Slow, string Because, long? TriedAt);
