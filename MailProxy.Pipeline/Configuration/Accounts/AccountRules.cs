using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MimeKit.Cryptography;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>What an account's members must be, and what concerns several of them. Pure.</summary>
internal static class AccountRules
{
    /// <summary>A kept password must not be sent to a place its owner never named, nor in the clear or to an impostor by a key that may
    /// change the account but never saw it.</summary>
    public static readonly SecretRules<SmtpAccount> Password = new()
    {
        Empty = "Must not be empty; null removes it.",
        Applies = static now => now.OAuth is null,
        Void = static (now, before) =>
            !IsSamePlace(now, before) || now.User != before.User ? "Host, port or user changes: send the password again."
            : IsLessSafe(now, before) ? "The connection becomes less safe (security, verify_certificate): send the password again."
            : null,
    };

    public static readonly SecretRules<DkimKey> DkimSecret = new()
    {
        Lines = true,
        Needed = static _ => "A new key must be given.",
        Void = static (_, _) => null,
    };

    public static string? HostFault(string? host) =>
        HostName.IsHost(host!) ? null : "Must be a host name or an IP address. " + HostName.Rule;

    public static string? DomainFault(string? domain) => IsDomain(domain!) ? null : "Must be a domain name.";

    public static string? SelectorFault(string? selector) => IsDomain(selector!) ? null : "Must be DNS labels.";

    public static string? AllowedFault(string entry)
    {
        var address = entry.StartsWith('@') ? "any" + entry : entry;
        return entry.AsSpan().ContainsAny(" \t\r\n\0<>,;") || Addresses.ReadBare(address, out _) is not null
            ? "Must be an address or @domain."
            : null;
    }

    public static SmtpAccount NotAllowed(MemberReader members, string name, SmtpAccount account)
    {
        if (members.Has(name))
            members.Fault(name, "not_allowed", "A sandbox account has no server of its own.");
        return account;
    }

    public static SmtpAccount Auth(MemberReader members, SmtpAccount account, SmtpAccount? before)
    {
        if (account is { OAuth: not null, Password: not null })
            members.Fault("password", "conflict", "Either password or oauth2.");
        return account;
    }

    public static DkimKey Dkim(MemberReader members, DkimKey dkim, DkimKey? before)
    {
        var isWhole = dkim is { Domain.Length: > 0, Selector.Length: > 0, PrivateKey.Length: > 0 };
        if (isWhole && members.Has("private_key") && !IsKey(dkim))
            members.Fault("private_key", "invalid_key", "Must be an unencrypted RSA or Ed25519 private key in PEM.");
        return dkim;
    }

    /// <summary>Who named the server: one that a tenant's key names is held to the network policy, one that was set with the admin key and
    /// stays the same is not.</summary>
    public static SmtpAccount SetBy(MemberReader members, SmtpAccount now, SmtpAccount? before) =>
        now with
        {
            ByTenant = !members.ByAdmin && !now.Sandbox && !(before is { ByTenant: false } && IsSamePlace(now, before)),
        };

    /// <summary>Pausing is an action of its own: whoever puts an account leaves it as it is.</summary>
    public static SmtpAccount Paused(MemberReader members, SmtpAccount now, SmtpAccount? before)
    {
        members.ReadOnly("paused");
        return now with { Paused = before is { Paused: true } };
    }

    private static bool IsLessSafe(SmtpAccount now, SmtpAccount before) =>
        Safety(now.Security) < Safety(before.Security) || (before.VerifyCertificate && !now.VerifyCertificate);

    private static int Safety(SmtpSecurity security) =>
        security switch
        {
            SmtpSecurity.Tls or SmtpSecurity.StartTls => 2,
            SmtpSecurity.StartTlsWhenAvailable => 1,
            _ => 0,
        };

    private static bool IsSamePlace(SmtpAccount one, SmtpAccount other) =>
        string.Equals(one.Host, other.Host, StringComparison.OrdinalIgnoreCase) && one.Port == other.Port;

    // DKIM writes A-labels, so an international name must have some.
    private static bool IsDomain(string name) =>
        DomainNames.ToAscii(name) is { Length: <= 253 } ascii && Uri.CheckHostName(ascii) == UriHostNameType.Dns;

    private static bool IsKey(DkimKey dkim)
    {
        try
        {
            using var stream = new MemoryStream(Encoding.UTF8.GetBytes(dkim.PrivateKey));
            _ = new DkimSigner(stream, dkim.Domain, dkim.Selector);
            return true;
        }
        catch (Exception error) when (error is FormatException or ArgumentException or IOException or Org.BouncyCastle.OpenSsl.PemException)
        {
            return false;
        }
    }
}
