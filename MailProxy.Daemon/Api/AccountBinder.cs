using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MimeKit.Cryptography;

namespace MailProxy.Daemon.Api;

/// <summary>Reads an account as a client wrote it, over the one that is there. Pure.</summary>
internal static class AccountBinder
{
    /// <summary>The largest limit that can be set.</summary>
    public const int MostPermits = 1_000_000_000;

    private const int MostSeconds = 365 * 86_400;
    private const int MostMegabytes = 1_048_576;

    public static readonly IReadOnlyList<(string Name, SmtpSecurity Value)> Securities =
    [
        ("none", SmtpSecurity.None),
        ("starttls", SmtpSecurity.StartTls),
        ("tls", SmtpSecurity.Tls),
        ("starttls_when_available", SmtpSecurity.StartTlsWhenAvailable),
    ];

    public static readonly IReadOnlyList<(string Name, LimitCount Value)> Counts =
    [
        ("recipients", LimitCount.Recipients),
        ("messages", LimitCount.Messages),
    ];
    public static readonly IReadOnlyList<(string Name, LimitReached Value)> Reached =
    [
        ("wait", LimitReached.Wait),
        ("fail", LimitReached.Fail),
    ];

    /// <param name="byTenant">Asked for with a tenant's key: a server that it names is held to the network policy. One that was set with
    /// the admin key and stays the same is not.</param>
    public static SmtpAccount Bind(MemberReader members, string tenant, string id, SmtpAccount? existing, bool byTenant)
    {
        members.ReadOnly("tenant", "paused", "waiting_for");
        if (members.Text("id", 63) is { } given && given != id)
            members.Fault("id", "mismatch", "Must be the id in the path.");
        var account = new SmtpAccount
        {
            Key = existing?.Key ?? default,
            Version = existing?.Version ?? 0,
            Paused = existing?.Paused ?? false,
            Tenant = tenant,
            Id = id,
            Sandbox = members.Flag("sandbox") ?? false,
            Limits = Limits(members.Object("limits")),
            MaxConnections = members.Number("max_connections", 1, 100) ?? 8,
            MaxMessagesPerConnection = members.Number("max_messages_per_connection", 1, 10_000) ?? 100,
            MaxRecipients = members.Number("max_recipients", 1, 1_000) ?? 50,
            Dkim = Dkim(members.Object("dkim"), existing?.Dkim),
            FromAllowed = members.Texts("from_allowed", 1_000, AllowedFault),
            LargeFiles = LargeFiles(members.Object("large_files")),
            ExpiresAfter = ExpiresAfter(members),
            Retry = Retry(members),
            Description = members.Text("description", 1_000),
        };
        account = account.Sandbox ? WithoutHost(members, account) : WithHost(members, account, existing);
        account = account with
        {
            ByTenant = byTenant && !account.Sandbox && !(existing is { ByTenant: false } && SamePlace(existing, account)),
        };
        members.Close();
        return account;
    }

    private static SmtpAccount WithoutHost(MemberReader members, SmtpAccount account)
    {
        foreach (var name in (ReadOnlySpan<string>)["host", "port", "security", "verify_certificate", "auth"])
        {
            if (members.Has(name))
                members.Fault(name, "not_allowed", "A sandbox account has no server of its own.");
        }

        return account;
    }

    private static SmtpAccount WithHost(MemberReader members, SmtpAccount account, SmtpAccount? existing)
    {
        var host = members.Text("host", 253, required: true);
        if (host is not null && !HostName.IsHost(host))
            members.Fault("host", "invalid_host", "Must be a host name or an IP address. " + HostName.Rule);
        account = account with
        {
            Host = host,
            Port = members.Number("port", 1, 65_535, required: true) ?? 0,
            Security = members.Choice("security", Securities, required: true) ?? SmtpSecurity.Tls,
            VerifyCertificate = members.Flag("verify_certificate") ?? true,
        };
        return members.Object("auth") is { } auth ? WithAuth(auth, account, existing) : account;
    }

    private static SmtpAccount WithAuth(MemberReader auth, SmtpAccount account, SmtpAccount? existing)
    {
        auth.ReadOnly("password_set");
        if (auth.Has("oauth2"))
            auth.Fault("oauth2", "not_supported", "OAuth 2 is not supported yet.");
        var user = auth.Text("user", 512, required: true);
        var removed = auth.IsNull("password");
        var password = removed ? null : auth.Text("password", 4_096);
        if (password is "")
            auth.Fault("password", "required", "Must not be empty; null removes it.");
        auth.Close();

        // A kept password must not be sent to a place its owner never named.
        var kept = password is null && !removed ? existing?.Password : null;
        var moved = existing is not null && !(SamePlace(existing, account) && existing.User == user);
        if (kept is not null && moved)
            auth.Fault("password", "secret_required", "Host, port or user changes: send the password again.");
        else if (kept is not null && IsLessSafe(account, existing!))
            auth.Fault(
                "password",
                "secret_required",
                "The connection becomes less safe (security, verify_certificate): send the password again."
            );
        return account with { User = user, Password = password ?? kept };
    }

    // Without it a key that may change the account, but never saw the password, could have it sent in the clear or to an impostor.
    private static bool IsLessSafe(SmtpAccount now, SmtpAccount before) =>
        Safety(now.Security) < Safety(before.Security) || (before.VerifyCertificate && !now.VerifyCertificate);

    private static int Safety(SmtpSecurity security) =>
        security switch
        {
            SmtpSecurity.Tls or SmtpSecurity.StartTls => 2,
            SmtpSecurity.StartTlsWhenAvailable => 1,
            _ => 0,
        };

    private static bool SamePlace(SmtpAccount one, SmtpAccount other) =>
        string.Equals(one.Host, other.Host, StringComparison.OrdinalIgnoreCase) && one.Port == other.Port;

    /// <summary>The limits of an account or of a tenant.</summary>
    public static AccountLimits Limits(MemberReader? limits)
    {
        if (limits is null)
            return AccountLimits.None;
        var bound = new AccountLimits(
            limits.Number("per_second", 1, MostPermits),
            limits.Number("per_minute", 1, MostPermits),
            limits.Number("per_hour", 1, MostPermits),
            limits.Number("per_day", 1, MostPermits),
            limits.Number("burst", 1, MostPermits),
            limits.Choice("count", Counts) ?? LimitCount.Recipients,
            limits.Choice("when_reached", Reached) ?? LimitReached.Wait
        );
        if (bound is { Burst: not null, PerSecond: null })
            limits.Fault("burst", "needs_per_second", "Only together with per_second.");
        limits.Close();
        return bound;
    }

    private static DkimKey? Dkim(MemberReader? dkim, DkimKey? existing)
    {
        if (dkim is null)
            return null;
        dkim.ReadOnly("private_key_set");
        var domain = dkim.Text("domain", 253, required: true);
        if (domain is not null && !IsDomain(domain))
            dkim.Fault("domain", "invalid_domain", "Must be a domain name.");
        var selector = dkim.Text("selector", 253, required: true);
        if (selector is not null && !IsDomain(selector))
            dkim.Fault("selector", "invalid_selector", "Must be DNS labels.");
        var key = dkim.Lines("private_key", 16_384);
        if (key is null && existing is null)
            dkim.Fault("private_key", "required", "A new key must be given.");
        else if (key is not null && domain is not null && selector is not null && !IsKey(key, domain, selector))
            dkim.Fault("private_key", "invalid_key", "Must be an unencrypted RSA or Ed25519 private key in PEM.");
        dkim.Close();
        return new(domain ?? "", selector ?? "", key ?? existing?.PrivateKey ?? "");
    }

    private static bool IsKey(string pem, string domain, string selector)
    {
        try
        {
            using var stream = new MemoryStream(Encoding.UTF8.GetBytes(pem));
            _ = new DkimSigner(stream, domain, selector);
            return true;
        }
        catch (Exception error) when (error is FormatException or ArgumentException or IOException or Org.BouncyCastle.OpenSsl.PemException)
        {
            return false;
        }
    }

    // DKIM writes A-labels, so an international name must have some.
    private static bool IsDomain(string name) =>
        DomainNames.ToAscii(name) is { Length: <= 253 } ascii && Uri.CheckHostName(ascii) == UriHostNameType.Dns;

    private static string? AllowedFault(string entry)
    {
        var address = entry.StartsWith('@') ? "any" + entry : entry;
        return entry.AsSpan().ContainsAny(" \t\r\n\0<>,;") || Addresses.ReadBare(address, out _) is not null
            ? "Must be an address or @domain."
            : null;
    }

    private static string? Id(MemberReader members, string name)
    {
        var id = members.Text(name, 63);
        if (id is not null && !ObjectIds.IsValid(id))
            members.Fault(name, "invalid_id", $"Must be an id: {IdSyntax.ObjectRule}.");
        return id;
    }

    /// <summary>When mail expires that says nothing else, a tenant's rule or an account's.</summary>
    private static TimeSpan? ExpiresAfter(MemberReader members) =>
        members.Number("expires_after", 60, MostSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>The retry schedule of a tenant or an account.</summary>
    private static RetrySchedule? Retry(MemberReader members) =>
        members.Numbers("retry_minutes", RetrySchedule.MostSteps, RetrySchedule.Least, RetrySchedule.Most) is { Count: > 0 } minutes
            ? new(minutes)
            : null;

    /// <summary>The rule for large files, a tenant's or an account's.</summary>
    private static LargeFiles? LargeFiles(MemberReader? large)
    {
        if (large is null)
            return null;
        var threshold = large.Bytes("threshold", MostMegabytes * 1024L * 1024, required: true);
        var action = large.Choice("action", LargeFileActions.Names, required: true);
        var volume = Id(large, "volume");
        var lifetime = large.Number("lifetime_days", 1, 3_650);
        if (action == LargeFileAction.Link && volume is null)
            large.Fault("volume", "required", "A link needs the volume where the files are put.");
        large.Close();
        return new(threshold ?? 0, action ?? default, volume, lifetime ?? MailProxy.Pipeline.Accounts.LargeFiles.DefaultLifetimeDays);
    }
}
