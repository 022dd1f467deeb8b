namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The store's number of one SMTP account: connections, blame and back-off are keyed by it. It is never reused.
/// </summary>
public readonly record struct AccountKey(int Number);

/// <summary>The store's number of one pool of accounts. It is never reused.</summary>
public readonly record struct PoolKey(int Number);

/// <summary>
/// The store's number of one lane: order, claims, wakes and waiting are keyed by it. <see cref="Lanes"/> alone says which lane an account
/// has.
/// </summary>
public readonly record struct LaneKey(int Number);

/// <summary>A client's name of a message: its tenant, and an id that is unique within the tenant.</summary>
public readonly record struct MessageKey(string Tenant, string Id);
