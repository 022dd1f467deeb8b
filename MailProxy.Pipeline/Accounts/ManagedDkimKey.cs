namespace MailProxy.Pipeline.Accounts;

public enum DkimAlgorithm : byte
{
    Rsa = 0,
    Ed25519 = 1,
}

/// <summary>What a key is used for: not yet, for signing, or not any more while its record is still looked up.</summary>
public enum DkimState : byte
{
    Pending = 0,
    Active = 1,
    Retired = 2,
}

/// <summary>A DKIM key that was made here. Its selector is unique within the account.</summary>
/// <param name="PublicKey">As it stands in DNS, base64: SubjectPublicKeyInfo of RSA, the bare 32 octets of Ed25519 (RFC 8463).</param>
/// <param name="CreatedAt">Unix milliseconds.</param>
public sealed record ManagedDkimKey(DkimKey Key, DkimAlgorithm Algorithm, string PublicKey, long CreatedAt, DkimState State)
{
    // The longest text that a string of a TXT record can have (RFC 1035 section 3.3).
    private const int LongestString = 255;

    /// <summary>The name of the TXT record (RFC 6376 section 3.6.2.1).</summary>
    public string RecordName => $"{Key.SigningSelector}._domainkey.{Key.SigningDomain}";

    public string RecordValue => $"v=DKIM1; k={(Algorithm == DkimAlgorithm.Rsa ? "rsa" : "ed25519")}; p={PublicKey}";

    /// <summary>The value in pieces that fit into a record; whoever looks it up puts them together.</summary>
    public IReadOnlyList<string> RecordStrings => [.. RecordValue.Chunk(LongestString).Select(static piece => new string(piece))];

    // A record's generated text would carry the key into a log.
    public override string ToString() => RecordName;
}

/// <summary>The keys that an account's mail may be signed with.</summary>
/// <param name="Given">The one that was put with the account: for mail that no other key is for.</param>
public sealed record SigningKeys(DkimKey? Given, IReadOnlyList<ManagedDkimKey> Made)
{
    /// <summary>By the domain of From: the keys of that domain, else of the nearest domain above it, else the given one.</summary>
    /// <param name="domain">A-labels; null: not known.</param>
    public IReadOnlyList<DkimKey> For(string? domain)
    {
        while (domain is not null)
        {
            var fit = Made.Where(made =>
                    made.State == DkimState.Active && made.Key.SigningDomain.Equals(domain, StringComparison.OrdinalIgnoreCase)
                )
                .Select(static made => made.Key)
                .ToArray();
            if (fit.Length > 0)
                return fit;
            var dot = domain.IndexOf('.');
            domain = dot < 0 ? null : domain[(dot + 1)..];
        }

        return Given is null ? [] : [Given];
    }

    public override string ToString() => $"{Made.Count} keys";
}
