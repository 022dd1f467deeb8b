using System.Text;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>Who sends to whom on the wire: bare addresses, domains as A-labels.</summary>
/// <param name="Sender">"" is the null reverse-path.</param>
/// <param name="NeedsSmtpUtf8">A local part is not ASCII (RFC 6531).</param>
internal sealed record Envelope(string Sender, IReadOnlyList<string> Recipients, bool NeedsSmtpUtf8)
{
    public static Envelope Of(MailContent content)
    {
        var sender = Encode(content.EnvelopeSender);
        var recipients = new string[content.Slice.Count];
        var international = !Ascii.IsValid(sender);
        for (var i = 0; i < recipients.Length; i++)
        {
            recipients[i] = Encode(content.Slice[i].Address);
            international |= !Ascii.IsValid(recipients[i]);
        }

        return new(sender, recipients, international);
    }

    private static string Encode(string address)
    {
        var at = address.LastIndexOf('@');
        if (at < 0 || Ascii.IsValid(address.AsSpan(at)))
            return address;
        var domain =
            DomainNames.ToAscii(address[(at + 1)..]) ?? throw new UnsendableException("5.1.3", "A domain is no international name.");
        return address[..(at + 1)] + domain;
    }
}
