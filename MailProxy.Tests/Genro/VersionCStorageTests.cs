using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Storages of version C, and attachments that are in them.</summary>
internal sealed class VersionCStorageTests : VersionCFixture
{
    [Test]
    public async Task Storage_MadeReadListedAndDeleted_IsAsItWasWritten()
    {
        var storage = new
        {
            tenant_id = "acme",
            name = "HOME",
            protocol = "s3",
            config = new
            {
                bucket = "my-bucket",
                prefix = "a/",
                aws_access_key_id = "AKIA",
                aws_secret_access_key = "s3cr3t",
            },
        };
        var (_, made) = await PostAsync("/storages/add", storage);
        Assert.That(((string?)made!["name"], (string?)made["protocol"]), Is.EqualTo(("HOME", "s3")), made.ToJsonString());
        Assert.That(made.ToJsonString(), Does.Contain("my-bucket").And.Not.Contain("s3cr3t"));
        Assert.That((await GetAsync("/storages/get?tenant_id=acme&name=HOME")).Body!.ToJsonString(), Is.EqualTo(made.ToJsonString()));
        Assert.That((await GetAsync("/storages/list?tenant_id=acme")).Body!.AsArray(), Has.Count.EqualTo(1));
        foreach (var ok in new[] { "true", "false" })
            Assert.That(
                (await PostAsync("/storages/delete", new { tenant_id = "acme", name = "HOME" })).Body!.ToJsonString(),
                Is.EqualTo($$"""{"ok":{{ok}},"tenant_id":"acme","name":"HOME"}""")
            );
    }

    [TestCase("HOME:a.txt", null, true)]
    [TestCase("HOME:a.txt", "filesystem", true)]
    [TestCase("HOME:a.txt", "endpoint", false)]
    [TestCase("NONE:a.txt", null, false)]
    public async Task Attachment_OfAStorage_IsInItUnlessThereIsNone(string path, string? mode, bool stored)
    {
        using var root = new TempDirectory();
        await File.WriteAllTextAsync(Path.Combine(root, "a.txt"), "from the storage");
        _application.Answer = static (_, http) => http.Response.Body.WriteAsync("from the application"u8.ToArray()).AsTask();
        var storage = new
        {
            tenant_id = "acme",
            name = "HOME",
            protocol = "local",
            config = new { base_path = (string)root },
        };
        Assert.That((int)(await PostAsync("/storages/add", storage)).Status, Is.EqualTo(200));
        var attachments = new[]
        {
            new
            {
                filename = "a.txt",
                storage_path = path,
                fetch_mode = mode,
            },
        };
        await PostAsync("/tenants/update", new { tenant_id = "acme", client_base_url = ApplicationUrl });
        var message = new
        {
            id = "m",
            tenant_id = "acme",
            account_id = "main",
            from_addr = "a@example.com",
            to = new[] { "b@example.org" },
            subject = "Hello",
            body = "Text",
            attachments,
        };
        var (status, made) = await PostAsync("/messages/add", message);
        Assert.That((int)status, Is.EqualTo(200), made?.ToJsonString());
        await _daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1, tenant: "acme");
        var mail = MimeMessage.Load(new MemoryStream(_smtp.Taken.Single().Data));
        using var content = new MemoryStream();
        ((MimePart)mail.Attachments.Single()).Content!.DecodeTo(content);
        Assert.That(Encoding.UTF8.GetString(content.ToArray()), Is.EqualTo(stored ? "from the storage" : "from the application"));
    }
}
