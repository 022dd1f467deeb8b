namespace MailProxy.Daemon.Api;

/// <summary>A DKIM key of an account; the private key never comes out.</summary>
/// <param name="Algorithm"><c>rsa</c> (2,048 bits) or <c>ed25519</c>.</param>
/// <param name="State"><c>pending</c>: signs nothing yet; <c>active</c>; <c>retired</c>: signs no more, and its record is still looked
/// up for mail that is under way.</param>
public sealed record DkimKeyAnswer(
    string Domain,
    string Selector,
    string Algorithm,
    string State,
    DateTime? CreatedAt,
    DnsRecordAnswer Dns
);

/// <summary>A record to be put into DNS.</summary>
/// <param name="Strings">The value in pieces of 255 characters at most, as zone files want it.</param>
public sealed record DnsRecordAnswer(string Name, string Type, string Value, IReadOnlyList<string> Strings);

public sealed record DkimKeyList(IReadOnlyList<DkimKeyAnswer> Data);

/// <param name="Domain">The domain of From, or one above it.</param>
/// <param name="Selector">Absent: made from the date. With <c>both</c> it gets <c>-rsa</c> and <c>-ed25519</c> behind.</param>
/// <param name="Algorithm"><c>rsa</c> (default), <c>ed25519</c>, <c>both</c>.</param>
public sealed record DkimKeyRequest(string Domain, string? Selector, string? Algorithm);
