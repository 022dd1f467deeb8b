using MailKit.Net.Smtp;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>MailKit's client with its opinions removed: the message is rendered already, every reply is written down, and a refused recipient does not end the transaction.</summary>
internal sealed class TransactionClient(PhaseClock clock) : SmtpClient(clock)
{
    private RenderedMail? _mail;
    private TransactionResult? _result;
    private IReadOnlyList<(MailboxAddress Mailbox, int Index)> _recipients = [];
    private int _next;

    public Task<string> SendAsync(
        MimeMessage message, RenderedMail mail, bool smtpUtf8, MailboxAddress sender, IReadOnlyList<(MailboxAddress Mailbox, int Index)> recipients,
        TransactionResult result)
    {
        (_mail, _result, _recipients, _next) = (mail, result, recipients, 0);
        return SendAsync(RenderedMessage.OptionsFor(smtpUtf8), message, sender, recipients.Select(static r => r.Mailbox), clock.Token);
    }

    protected override void Prepare(FormatOptions options, MimeMessage message, EncodingConstraint constraint, int maxLineLength)
    {
    }

    protected override long GetSize(FormatOptions options, MimeMessage message, CancellationToken cancellationToken) => _mail!.Length;

    protected override Task<long> GetSizeAsync(FormatOptions options, MimeMessage message, CancellationToken cancellationToken) =>
        Task.FromResult((long)_mail!.Length);

    protected override void OnSenderAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
    {
        _result!.SenderAnswered = true;
        clock.Enter(SmtpPhase.Recipient);
    }

    protected override void OnSenderNotAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
    {
        _result!.SenderAnswered = true;
        _result.Ending = SmtpReply.Of((int)response.StatusCode, response.Response);
        if (SmtpVerdict.BlamesAccount(SmtpPhase.Mail, _result.Ending.Code)) throw new ConversationOverException();
        base.OnSenderNotAccepted(message, mailbox, response);
    }

    protected override void OnRecipientAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response) => Record(response);

    protected override void OnRecipientNotAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response) => Record(response);

    // MailKit would throw a 554 of its own invention, which would make greylisting permanent. As a command exception it still leads to RSET.
    protected override void OnNoRecipientsAccepted(MimeMessage message) =>
        throw new SmtpCommandException(SmtpErrorCode.MessageNotAccepted, SmtpStatusCode.TransactionFailed, "No recipient was accepted.");

    private void Record(SmtpResponse response)
    {
        // After a refused MAIL (of 530 MailKit does not even tell) a pipelining server's answer to RCPT says nothing about the recipient.
        if (!_result!.SenderAnswered || _result.Ending is not null) return;

        var reply = SmtpReply.Of((int)response.StatusCode, response.Response);
        if (!SmtpVerdict.BlamesAccount(SmtpPhase.Recipient, reply.Code))
        {
            _result.Recipients[_recipients[_next++].Index] = reply;
            clock.Enter(SmtpPhase.Recipient);
            return;
        }

        _result.Ending = reply;
        throw new ConversationOverException();
    }
}

/// <summary>The account is to blame: the transaction ends now, before DATA. Not an SMTP error to MailKit, so it drops the connection.</summary>
internal sealed class ConversationOverException() : Exception("The server's reply ends the conversation.");
