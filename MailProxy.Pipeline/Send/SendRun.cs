using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Profiles;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>What all attempts of the stage use.</summary>
/// <param name="IsHeld">The account is in trouble: nothing but a probe may begin by it.</param>
/// <param name="Opening">No mail begins any more, and no connection is opened.</param>
/// <param name="Abort">Attempts end, except those that wait for the reply of a server that has the whole mail.</param>
/// <param name="Abandon">Those end too.</param>
internal sealed record SendRun(
    SmtpPool Pool,
    SenderRefusals Refusals,
    ReplyJudge Judge,
    Func<AccountKey, bool> IsHeld,
    Rendering Rendering,
    IMarks Marks,
    SendOptions Options,
    TimeProvider Clock,
    ILogger Logger,
    CancellationToken Opening,
    CancellationToken Abort,
    CancellationToken Abandon
);
