using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Api.MessageViews;

namespace MailProxy.Tests.Api;

/// <summary>Why a message waits, and what ends that.</summary>
[TestFixture]
public sealed class WaitReasonTests
{
    public static IEnumerable<TestCaseData> Waits()
    {
        var limit = new LaneWait("account_limit", At + 1_000, "500 of 500 per hour");
        TestCaseData Case(string name, MessageView view, bool suspended, LaneWait? lane, string? reason) =>
            new TestCaseData(view, suspended, lane, reason).SetArgDisplayNames(name);
        yield return Case("final", View(1, "m") with { State = MessageState.Sent }, true, limit, null);
        yield return Case("held", View(1, "m") with { State = MessageState.Held, HoldReason = "ambiguous" }, true, limit, "person");
        yield return Case("sending", View(1, "m") with { State = MessageState.Sending }, true, limit, "attempt");
        yield return Case(
            "scheduled ahead",
            View(1, "m") with
            {
                State = MessageState.Scheduled,
                NextAttemptAt = At + 1,
            },
            true,
            limit,
            "send_at"
        );
        yield return Case(
            "scheduled, due",
            View(1, "m") with
            {
                State = MessageState.Scheduled,
                NextAttemptAt = At,
            },
            false,
            limit,
            "account_limit"
        );
        yield return Case(
            "deferred ahead",
            View(1, "m") with
            {
                State = MessageState.Deferred,
                NextAttemptAt = At + 1,
            },
            true,
            limit,
            "retry"
        );
        yield return Case("queued, suspended", View(1, "m"), true, limit, "dispatcher_suspended");
        yield return Case("queued, lane waits", View(1, "m"), false, limit, "account_limit");
        yield return Case("queued", View(1, "m"), false, null, "turn");
    }

    [TestCaseSource(nameof(Waits))]
    public void WaitReason_State_NamesTheFirstGate(MessageView view, bool suspended, LaneWait? lane, string? reason) =>
        Assert.That(WaitReason.Of(view, null, suspended, lane, At)?.Reason, Is.EqualTo(reason));

    [Test]
    public void WaitReason_AnyWait_SaysWhatEndsIt()
    {
        var account = new SmtpAccount
        {
            Key = new(1_000),
            Version = 1,
            Tenant = "acme",
            Id = "main",
            Host = "smtp.example",
            Port = 587,
        };
        string? Detail(MessageView view, SmtpAccount? of = null, bool suspended = false, LaneWait? lane = null) =>
            WaitReason.Of(view, of ?? account, suspended, lane, At)?.Detail;
        var held = View(1, "m") with { State = MessageState.Held };
        var deferred = View(1, "m") with { State = MessageState.Deferred, NextAttemptAt = At + 1 };
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Detail(held with { HoldReason = "manual" }), Does.Contain("POST /v1/messages/m/release").And.Contain("cancel"));
            Assert.That(
                Detail(held with { HoldReason = "ambiguous" }),
                Does.Contain("may have taken")
                    .And.Contain("release sends it again")
                    .And.Contain("twice")
                    .And.Contain("cancel closes it as ambiguous")
            );
            Assert.That(
                Detail(View(1, "m") with { Batch = "news", BatchSuspended = true }),
                Does.Contain("POST /v1/batches/news/activate")
            );
            Assert.That(Detail(View(1, "m"), suspended: true), Does.Contain("POST /v1/dispatcher/activate"));
            Assert.That(Detail(View(1, "m"), account with { Paused = true }), Does.Contain("POST /v1/accounts/main/resume"));
            Assert.That(
                Detail(View(1, "m"), account with { TenantSuspended = true }),
                Does.Contain("'acme'").And.Contain("PUT /v1/tenants/acme")
            );
            Assert.That(
                Detail(View(1, "m"), lane: new("account_backoff", null, "Name or service not known")),
                Is.EqualTo("smtp.example:587: Name or service not known")
            );
            Assert.That(
                Detail(View(1, "m"), lane: new("account_backoff", null, "smtp.example says no")),
                Is.EqualTo("smtp.example says no")
            );
            Assert.That(Detail(deferred with { Reason = "The source said 503." }), Does.EndWith("The source said 503."));
            Assert.That(Detail(deferred with { PossibleDuplicate = true }), Does.Contain("may have taken"));
        }
    }
}
