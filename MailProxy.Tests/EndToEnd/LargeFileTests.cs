using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A file that is too large for mail, from the submission to the recipient's download.</summary>
internal sealed partial class LargeFileTests : DaemonFixture
{
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(300_000);

    private TempDirectory _archive = null!;

    protected override (string Name, string Value)[] Settings =>
        [("Api:PublicUrl", "https://mail.example.com"), ("Network:Allowed:0", "127.0.0.1")];

    [SetUp]
    public void Start() => _archive = new();

    [TearDown]
    public void Stop() => _archive.Dispose();

    [Test]
    public async Task Link_LocalVolume_IsServedByTheDaemonItself()
    {
        await PutAsync("/v1/volumes/archive", new { backend = "local", config = new { root = _archive.Path } });
        await RuleAsync("link");
        var mail = await SendAsync();

        Assert.That(mail.Attachments, Is.Empty);
        var token = Token().Match(mail.TextBody!).Value;
        Assert.That(mail.HtmlBody, Does.Contain("https://mail.example.com" + token).And.Contain("R&amp;D report.pdf"));

        using var stranger = new HttpClient { BaseAddress = new Uri(_daemon.Url) };
        using var whole = await stranger.GetAsync(token);
        Assert.That((await whole.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(_content), Is.True);
        Assert.That(whole.Content.Headers.ContentDisposition!.DispositionType, Is.EqualTo("attachment"));

        using var part = new HttpRequestMessage(HttpMethod.Get, token) { Headers = { Range = new RangeHeaderValue(1_000, 1_999) } };
        using var partial = await stranger.SendAsync(part);
        Assert.That(partial.StatusCode, Is.EqualTo(HttpStatusCode.PartialContent));
        Assert.That((await partial.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(_content.AsSpan(1_000, 1_000)), Is.True);

        using var forged = await stranger.GetAsync(token[..^2] + (token[^2..] == "AA" ? "BB" : "AA"));
        Assert.That(forged.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Link_S3Volume_IsPresigned()
    {
        await using var s3 = await S3Server.StartAsync("archive");
        await PutAsync(
            "/v1/volumes/archive",
            new
            {
                backend = "s3",
                config = new
                {
                    bucket = "archive",
                    endpoint = s3.Endpoint,
                    path_style = true,
                    region = S3Server.Region,
                    access_key = S3Server.AccessKey,
                    secret_key = S3Server.SecretKey,
                },
            }
        );
        await RuleAsync("link", days: 2);
        var mail = await SendAsync();

        var link = Presigned().Match(mail.TextBody!).Value;
        using var stranger = new HttpClient();
        Assert.That((await stranger.GetByteArrayAsync(link)).AsSpan().SequenceEqual(_content), Is.True);
    }

    [Test]
    public async Task Reject_KnownSize_IsToldAtSubmission()
    {
        await RuleAsync("reject");
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages", Mail()), Is.EqualTo(HttpStatusCode.UnprocessableEntity));
    }

    [Test]
    public async Task Warn_SendsItAllTheSame()
    {
        await RuleAsync("warn");
        Assert.That((await SendAsync()).Attachments, Has.Exactly(1).Items);
    }

    private Task RuleAsync(string action, int days = 14) =>
        PutAsync(
            "/v1/tenants/default",
            new
            {
                name = "default",
                large_files = action == "link"
                    ? (object)
                        new
                        {
                            threshold = 100_000,
                            action,
                            volume = "archive",
                            lifetime_days = days,
                        }
                    : new { threshold = 100_000, action },
            }
        );

    private async Task PutAsync(string path, object body) =>
        Assert.That(await _daemon.SendAsync(HttpMethod.Put, path, body), Is.AnyOf(HttpStatusCode.Created, HttpStatusCode.OK));

    private object Mail() =>
        new
        {
            from = "a@example.com",
            to = "b@example.com",
            subject = "large",
            text = "Here it is.",
            html = "<html><body><p>Here it is.</p></body></html>",
            attachments = new[] { new { filename = "R&D report.pdf", content = Convert.ToBase64String(_content) } },
        };

    private async Task<MimeMessage> SendAsync()
    {
        var id = await _daemon.PostAsync(Mail());
        await _daemon.UntilAsync(id, EventType.MessageSent);
        var caught = (await _daemon.GetAsync("/v1/sandbox/messages"))["data"]![0]!;
        return await MimeMessage.LoadAsync(
            new MemoryStream(await _daemon.Http.GetByteArrayAsync($"/v1/sandbox/messages/{caught["id"]}/raw"))
        );
    }

    [GeneratedRegex(@"/d/\S+")]
    private static partial Regex Token();

    [GeneratedRegex(@"http://127\.0\.0\.1:\S+")]
    private static partial Regex Presigned();
}
