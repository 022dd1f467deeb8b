using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Somebody takes files away beneath the running daemon: it says so where one looks, and goes on with what it has.</summary>
[TestFixture]
internal sealed class LostFilesTests : DaemonFixture
{
    private string Spool => Path.Combine(_directory, "spool");

    protected override (string Name, string Value)[] Settings => [("Log:Level", "Fatal")];

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task SpoolFile_Gone_TheMessageIsDeferredSaysWhyAndGoesWhenItIsBack()
    {
        var id = await PostLargeAsync();
        var file = Directory.GetFiles(Spool).Single();
        var aside = Path.Combine(_directory, "aside");
        File.Move(file, aside);
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");

        await _daemon.UntilAsync(id, EventType.MessageDeferred);
        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        var events = (await _daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(((string)message["status"]!, (int)message["attempts"]!), Is.EqualTo(("deferred", 0)), "no attempt is lost");
            Assert.That((string)message["waiting_for"]!["detail"]!, Does.Contain("it is missing"));
            Assert.That(
                (string)events[^1]!["data"]!["reason"]!,
                Does.Contain($"spool/{Path.GetFileName(file)}").And.Contain("it is missing")
            );
        }

        using (var raw = await _daemon.Http.GetAsync($"/v1/messages/{id}/raw"))
        {
            Assert.That(raw.StatusCode, Is.EqualTo(HttpStatusCode.Gone));
            Assert.That(await raw.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"body_missing\""));
        }

        File.Move(aside, file);
        await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/retry");
        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task SpoolFile_Gone_TheMessageMayBeCancelled()
    {
        var id = await PostLargeAsync();
        File.Delete(Directory.GetFiles(Spool).Single());
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/cancel"), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Spool_Gone_IsMadeAgainAndMailGoesOn()
    {
        Directory.Delete(Spool, recursive: true);
        var id = await PostLargeAsync();
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.UntilAsync(id, EventType.MessageSent);

        Directory.Delete(Spool, recursive: true);
        await Eventually.BecomesAsync(
            async () => (await _daemon.SendAsync(HttpMethod.Get, "/health/ready"), Directory.Exists(Spool)),
            static seen => seen == (HttpStatusCode.OK, true)
        );
    }

    [Test]
    public async Task Spool_AFileInItsPlace_IsNotReadyAndTakesNothing()
    {
        await Eventually.BecomesAsync(() => Task.FromResult(TryReplaceSpool()), static isFile => isFile);
        await NotReadyAsync("spool_missing");
        var message = new
        {
            from = "a@example.com",
            to = "b@example.com",
            text = "x",
        };
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages", message), Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        File.Delete(Spool);
        await Eventually.BecomesAsync(
            () => _daemon.SendAsync(HttpMethod.Get, "/health/ready"),
            static status => status == HttpStatusCode.OK
        );
    }

    // The daemon makes the directory again, perhaps before the file is there.
    private bool TryReplaceSpool()
    {
        if (Directory.Exists(Spool))
            Directory.Delete(Spool, recursive: true);
        try
        {
            File.WriteAllText(Spool, "");
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Database_Gone_IsNotReadyAndTakesNothing()
    {
        var file = Path.Combine(_directory, "mailproxy.db");
        File.Move(file, file + ".away");
        await NotReadyAsync("store_missing");
        var message = new
        {
            from = "a@example.com",
            to = "b@example.com",
            text = "x",
        };
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages", message), Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        File.Move(file + ".away", file);
        await Eventually.BecomesAsync(
            () => _daemon.SendAsync(HttpMethod.Get, "/health/ready"),
            static status => status == HttpStatusCode.OK
        );
    }

    private Task NotReadyAsync(string code) =>
        Eventually.BecomesAsync(
            async () =>
            {
                using var answer = await _daemon.Http.GetAsync("/health/ready");
                return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
            },
            answer =>
                answer.StartsWith("503", StringComparison.Ordinal) && answer.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal)
        );

    private async Task<string> PostLargeAsync()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        return await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = new string('x', 300_000),
            }
        );
    }
}
