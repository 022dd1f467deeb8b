using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>A mail as it goes over the wire.</summary>
internal sealed record Outgoing(Envelope Envelope, RenderedMail Mail)
{
    /// <summary>Throws when a server with these offers cannot take it.</summary>
    /// <exception cref="UnsendableException">Why.</exception>
    public void Demand(SmtpOffers offers)
    {
        if (offers.LargestMessage is { } most && Mail.Length > most)
            throw new UnsendableException("5.3.4", $"The message has {Mail.Length} octets and the server takes {most} at most (SIZE).");
        if (Mail.EightBit && !offers.EightBit)
            throw new UnsendableException("5.6.3", "The message has 8-bit content and the server does not offer 8BITMIME.");
        if ((Envelope.NeedsSmtpUtf8 || Mail.NeedsSmtpUtf8) && !offers.SmtpUtf8)
            throw new UnsendableException("5.6.7", "The message needs SMTPUTF8 and the server does not offer it.");
    }

    /// <summary>The same as an answer.</summary>
    public bool Fits(SmtpOffers offers) =>
        !(offers.LargestMessage < Mail.Length)
        && (offers.EightBit || !Mail.EightBit)
        && (offers.SmtpUtf8 || !(Envelope.NeedsSmtpUtf8 || Mail.NeedsSmtpUtf8));
}
