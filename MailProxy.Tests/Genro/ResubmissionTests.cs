using System.Net;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>The same id again: replaced while it waits, refused when it was sent, free when it failed.</summary>
internal sealed class ResubmissionTests : GenroFixture
{
    [SetUp]
    public async Task Prepare()
    {
        await MakeTenantAsync("acme", reports: false);
        await MakeAccountAsync("acme");
    }

    [Test]
    public async Task Id_ThatWaits_IsReplaced()
    {
        await QueueAsync(Message("m", "acme", new { deferred_ts = 4_000_000_000 }));
        await QueueAsync(Message("m", "acme", new { deferred_ts = 4_000_000_001, subject = "New" }));
        var row = (await RowsAsync("acme")).Single();
        Assert.That(((long)row["deferred_ts"]!, (string)row["message"]!["subject"]!), Is.EqualTo((4_000_000_001, "New")));
    }

    [Test]
    public async Task Id_ThatWasSent_IsRefusedWithout400()
    {
        await QueueAsync(Message("m", "acme"));
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
        foreach (var subject in new[] { "Hello", "Other" })
        {
            var (status, answer) = await AddAsync(Message("m", "acme", new { subject }));
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer!.ToJsonString(), Is.EqualTo("""{"ok":true,"queued":0,"rejected":[{"id":"m","reason":"already sent"}]}"""));
        }

        Assert.That(_smtp.Taken, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Id_ThatFailed_MayComeAgain()
    {
        _smtp.Say("RCPT", "550 5.1.1 Nobody");
        await QueueAsync(Message("m", "acme"));
        await RowAsync("acme", "m", static row => row["error_ts"] is not null);
        await QueueAsync(Message("m", "acme"));
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Ids_OfTwoTenants_AreApart()
    {
        await MakeTenantAsync("other", reports: false);
        await MakeAccountAsync("other");
        await QueueAsync(Message("m", "acme", new { subject = "One" }), Message("m", "other", new { subject = "Two" }));
        var subjects = new[] { await RowsAsync("acme"), await RowsAsync("other") }.Select(static rows =>
            (string)rows.Single()["message"]!["subject"]!
        );
        Assert.That(subjects, Is.EqualTo(new[] { "One", "Two" }));
    }
}
