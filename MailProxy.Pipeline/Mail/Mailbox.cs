using System.Text;
using MimeKit;

namespace MailProxy.Pipeline.Mail;

/// <summary>One mailbox that has passed <see cref="Addresses"/>.</summary>
/// <param name="Name">Display name, decoded, or null.</param>
/// <param name="LocalPart">As RFC 5321 writes it: a dot-string, or a quoted string where it must be one. May be international (RFC
/// 6531).</param>
/// <param name="Domain">ASCII: international labels as A-labels (RFC 5891), or an address literal in brackets.</param>
public readonly record struct Mailbox(string? Name, string LocalPart, string Domain)
{
    /// <summary>The bare address, for MAIL and RCPT.</summary>
    public string Address => $"{LocalPart}@{Domain}";

    /// <summary>Only the local part can ask for SMTPUTF8, since the domain is ASCII already.</summary>
    public bool NeedsSmtpUtf8 => !Ascii.IsValid(LocalPart);

    /// <summary>Tells whether mail would reach the same mailbox: exact local part, domain without regard to case.</summary>
    public static IEqualityComparer<Mailbox> ByIdentity { get; } =
        EqualityComparer<Mailbox>.Create(
            static (x, y) => x.LocalPart == y.LocalPart && x.Domain.Equals(y.Domain, StringComparison.OrdinalIgnoreCase),
            static x => HashCode.Combine(x.LocalPart, x.Domain.GetHashCode(StringComparison.OrdinalIgnoreCase))
        );

    /// <summary>
    /// For a MIME header. Beware: MimeKit's own <see cref="MailboxAddress.Address"/> turns A-labels back into U-labels; for the envelope
    /// take <see cref="Address"/>.
    /// </summary>
    public MailboxAddress ToMime() => new(Encoding.UTF8, Name, Address);
}

/// <summary>Why something is not an address.</summary>
/// <param name="At">The pointer of the fault below the address: "", "/email" or "/name".</param>
/// <param name="Code"><c>header_injection</c> or <c>malformed_address</c>.</param>
public readonly record struct AddressFault(string At, string Code, string Detail);
