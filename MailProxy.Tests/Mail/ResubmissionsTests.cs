using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class ResubmissionsTests
{
    [TestCase(MessageState.Queued, false, true, Resubmission.Same)]
    [TestCase(MessageState.Sending, false, true, Resubmission.Same)]
    [TestCase(MessageState.Sent, true, true, Resubmission.Same)]
    [TestCase(MessageState.Ambiguous, true, true, Resubmission.Same)]
    [TestCase(MessageState.Queued, false, false, Resubmission.Replace)]
    [TestCase(MessageState.Scheduled, false, false, Resubmission.Replace)]
    [TestCase(MessageState.Held, false, false, Resubmission.Replace)]
    [TestCase(MessageState.Deferred, false, false, Resubmission.Replace)]
    [TestCase(MessageState.Deferred, true, false, Resubmission.AlreadySent)]
    [TestCase(MessageState.Sending, true, false, Resubmission.Sending)]
    [TestCase(MessageState.Sent, true, false, Resubmission.AlreadySent)]
    [TestCase(MessageState.PartiallySent, true, false, Resubmission.AlreadySent)]
    [TestCase(MessageState.Ambiguous, false, false, Resubmission.AlreadySent)]
    [TestCase(MessageState.Failed, false, false, Resubmission.Anew)]
    [TestCase(MessageState.Failed, false, true, Resubmission.Anew)]
    [TestCase(MessageState.Cancelled, false, true, Resubmission.Anew)]
    [TestCase(MessageState.Expired, false, false, Resubmission.Anew)]
    [TestCase(MessageState.Suppressed, false, false, Resubmission.Anew)]
    public void Decide_StateAndContent_FollowTheContract(MessageState state, bool accepted, bool same, Resubmission expected) =>
        Assert.That(Resubmissions.Decide(state, accepted, same), Is.EqualTo(expected));
}
