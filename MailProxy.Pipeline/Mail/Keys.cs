namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The store's number of one SMTP account. It is never reused after the account is deleted, so it may key limits, pools and lanes.
/// </summary>
public readonly record struct AccountKey(int Number);

/// <summary>A client's name of a message: its tenant, and an id that is unique within the tenant.</summary>
public readonly record struct MessageKey(string Tenant, string Id);
