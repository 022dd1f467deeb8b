using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>One mailbox, validated by <see cref="Addresses"/>.</summary>
/// <param name="Name">Display name, decoded, or null.</param>
/// <param name="LocalPart">
/// As RFC 5321 writes it: a dot-string, or a quoted string where needed. May be international (RFC 6531).
/// </param>
/// <param name="Domain">ASCII: international labels as A-labels (RFC 5891), or an address literal in brackets.</param>
public readonly record struct Mailbox(string? Name, string LocalPart, string Domain)
{
    /// <summary>The bare address, for MAIL and RCPT.</summary>
    public string Address => $"{LocalPart}@{Domain}";

    /// <summary>Only the local part can require SMTPUTF8, since the domain is always ASCII.</summary>
    public bool NeedsSmtpUtf8 => !Ascii.IsValid(LocalPart);

    /// <summary>Whether two mailboxes are the same: equal local parts, and domains equal regardless of case.</summary>
    public static IEqualityComparer<Mailbox> ByIdentity { get; } =
        EqualityComparer<Mailbox>.Create(
            static (x, y) => x.LocalPart == y.LocalPart && x.Domain.Equals(y.Domain, StringComparison.OrdinalIgnoreCase),
            static x => HashCode.Combine(x.LocalPart, x.Domain.GetHashCode(StringComparison.OrdinalIgnoreCase))
        );
}

/// <summary>Why a text is not an address.</summary>
/// <param name="At">The pointer of the fault relative to the address: "", "/email" or "/name".</param>
/// <param name="Code"><c>header_injection</c> or <c>malformed_address</c>.</param>
public readonly record struct AddressFault(string At, string Code, string Detail);
