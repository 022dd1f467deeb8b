using System.Text.Json;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

/// <summary>Hostile attachments that a submission is refused for, each with the field that is to blame.</summary>
public sealed class HostileAttachmentTests
{
    private static readonly string[] Sources =
    [
        // Paths that leave the volume.
        "docs:../a",
        "docs:a/../b",
        "docs:a/..",
        "docs:..",
        "docs:.",
        "docs:./a",
        "docs:a/./b",
        "docs:/etc/passwd",
        "docs:a//b",
        "docs:a/",
        "docs:",
        "docs:..\\a",
        "docs:a\\b",
        "docs:%2e%2e/a",
        "docs:%2E%2E%2Fa",
        "docs:a%2f..%2fb",
        "docs:%252e%252e/a",
        "docs:%25252e%25252e%25252fa",
        "docs:..%2fa",
        "docs:%2e./a",
        "docs:a%5c..%5cb",
        "docs:%00",
        "docs:a%00.pdf",
        "docs:%0d%0aX: y",
        "docs:%c0%ae%c0%ae/a",
        "docs:%c0%afetc",
        "docs:%e0%80%ae",
        "docs:%f0%80%80%ae",
        "docs:%2525252525252e%2525252525252e/a",
        "docs:a\0b",
        "docs:a\r\nb",
        "docs:a\u0085b",
        "docs:" + new string('x', 1025),
        "docs:" + new string('ä', 513),
        // Absolute paths.
        "/etc/passwd",
        "/srv/mail/../etc/passwd",
        "/srv/mail/%2e%2e/x",
        "/srv/mailbox/a",
        "/srv/mail",
        "/srv/mail/",
        "//srv/mail/a",
        "/srv/mail/a\0",
        "/",
        "/proc/self/environ",
        "/dev/zero",
        // Schemes.
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "ftp://x.example/a",
        "gopher://x.example/_GET",
        "ldap://x.example/",
        "dict://x.example:11211/stat",
        "data://x,a",
        "jar:http://x.example/a!/b",
        "s3://b/k",
        "javascript://x",
        "unix:///run/x.sock",
        "smb://x/y",
        "FILE:///etc/passwd",
        // Addresses that parsers read differently.
        "http:/x.example/a",
        "http:x.example",
        "https://",
        "http://",
        "http:///a",
        "http://user@x.example/",
        "http://user:pw@x.example/",
        "http://x.example:80@169.254.169.254/",
        "http://@x.example/",
        "http://x.example\\@169.254.169.254/",
        "http:\\\\169.254.169.254\\",
        "http://x.example/a b",
        "http://x.example/\r\nHost: y",
        "http://x.example/\0",
        "http://x.example:99999/",
        "http://x.example:0/",
        "http://[::1",
        "http://[1.2.3.4]/",
        "http://x.example/\tq",
        " http://x.example/",
        "http://x..example:port/",
        "http://" + new string('x', 5000),
        // Neither here nor there.
        "",
        "nowhere:a.pdf",
        "base64:AAAA",
        "BASE64:AAAA",
        "a\nb",
        "name\u0000",
    ];

    // The last: a field to blame, and with which code.
    private static readonly string[][] Attachments =
    [
        ["""{"filename":"a\r\nBcc: eve@z.example","source":"docs:a"}""", "/filename", "header_injection"],
        ["""{"filename":"a\u0000.pdf","source":"docs:a"}""", "/filename", "header_injection"],
        ["""{"filename":"a\u001b[2J.pdf","source":"docs:a"}""", "/filename", "control_character"],
        ["""{"filename":"invoice\u202efdp.exe","source":"docs:a"}""", "/filename", "invalid_filename"],
        ["""{"filename":"\u2066a\u2069","source":"docs:a"}""", "/filename", "invalid_filename"],
        ["""{"source":"docs:a"}""", "/filename", "required"],
        ["""{"filename":"a","source":"docs:a","sha256":"xyz"}""", "/sha256", "invalid_hash"],
        ["""{"filename":"a","source":"docs:a","sha256":"0123456789abcdef"}""", "/sha256", "invalid_hash"],
        ["""{"filename":"a","source":"docs:a","content_md5":"zz"}""", "/content_md5", "invalid_hash"],
        [
            """{"filename":"a{MD5:00000000000000000000000000000000}","source":"docs:a","content_md5":"11111111111111111111111111111111"}""",
            "/content_md5",
            "conflicting_hash",
        ],
        ["""{"filename":"a","source":"docs:a","size":-1}""", "/size", "out_of_range"],
        ["""{"filename":"a","source":"docs:a","size":1000001}""", "/size", "too_large"],
        ["""{"filename":"a","source":"docs:a","size":1.5}""", "/size", "invalid_type"],
        ["""{"filename":"a","source":"docs:a","size":"1"}""", "/size", "invalid_type"],
        ["""{"filename":"a","source":["docs:a"]}""", "/source", "invalid_type"],
        ["""{"filename":"a","source":"docs:a","auth":"x"}""", "/auth", "invalid_type"],
        ["""{"filename":"a","source":"docs:a","auth":{"bearer":"x"}}""", "/auth", "not_applicable"],
        ["""{"filename":"a","source":"https://x.example/","auth":{}}""", "/auth", "invalid_auth"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"user":"u"}}""", "/auth/password", "required"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"bearer":"x","user":"u","password":"p"}}""", "/auth", "invalid_auth"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"bearer":"x\r\nHost: y"}}""", "/auth/bearer", "header_injection"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"bearer":"ü"}}""", "/auth/bearer", "invalid_auth"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"user":"u:v","password":"p"}}""", "/auth/user", "invalid_auth"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"user":"u","password":"p\n"}}""", "/auth/password", "header_injection"],
        ["""{"filename":"a","source":"https://x.example/","auth":{"header":"Host","value":"y"}}""", "/auth/header", "reserved_header"],
        [
            """{"filename":"a","source":"https://x.example/","auth":{"header":"transfer-encoding","value":"chunked"}}""",
            "/auth/header",
            "reserved_header",
        ],
        [
            """{"filename":"a","source":"https://x.example/","auth":{"header":"Range","value":"bytes=0-"}}""",
            "/auth/header",
            "reserved_header",
        ],
        [
            """{"filename":"a","source":"https://x.example/","auth":{"header":"X: y\r\nZ","value":"v"}}""",
            "/auth/header",
            "invalid_header_name",
        ],
        [
            """{"filename":"a","source":"https://x.example/","auth":{"header":"X-Key","value":"v\r\nZ: 1"}}""",
            "/auth/value",
            "header_injection",
        ],
        ["""{"filename":"a","source":"https://x.example/","auth":{"bearer":"x","scope":"y"}}""", "/auth/scope", "unknown_field"],
        ["""{"filename":"a","content":"AA==","source":"docs:a"}""", "/source", "content_excludes"],
        ["""{"filename":"a","content":"AA==","storage_path":"docs:a"}""", "/storage_path", "content_excludes"],
        ["""{"filename":"a","source":"docs:a","storage_path":"docs:a"}""", "/storage_path", "source_excludes"],
        ["""{"filename":"a","source":"docs:a","fetch_mode":"storage"}""", "/fetch_mode", "not_applicable"],
        ["""{"filename":"a","storage_path":"docs:a","fetch_mode":"ftp"}""", "/fetch_mode", "invalid_fetch_mode"],
        ["""{"filename":"a","storage_path":"docs:a","fetch_mode":"http_url"}""", "/storage_path", "invalid_url"],
        ["""{"filename":"a","storage_path":"a","fetch_mode":"filesystem"}""", "/storage_path", "invalid_path"],
        ["""{"filename":"a","storage_path":"/srv/mail/a","fetch_mode":"storage"}""", "/storage_path", "invalid_source"],
        ["""{"filename":"a","storage_path":"nowhere:a"}""", "/storage_path", "unknown_volume"],
        ["""{"filename":"a","storage_path":"base64:A"}""", "/storage_path", "invalid_base64"],
        [
            """{"filename":"a","storage_path":"base64:AAAA","content_md5":"00000000000000000000000000000000"}""",
            "/storage_path",
            "hash_mismatch",
        ],
        ["""{"filename":"a","content":"AAAA","sha256":"aa"}""", "/sha256", "source_required"],
        ["""{"filename":"a","content":"AAAA","auth":{"bearer":"x"}}""", "/auth", "source_required"],
        ["""{"filename":"a","source":"docs:a","url":"x"}""", "/url", "unknown_field"],
    ];

    [TestCaseSource(nameof(Sources))]
    public void Judge_HostileSource_IsRefusedAtItsField(string source)
    {
        var line = Rules.JudgeWith($"\"attachments\":[{{\"filename\":\"a\",\"source\":{JsonSerializer.Serialize(source)}}}]");

        Assert.That(line.Problem?.Status, Is.EqualTo(422));
        Assert.That(line.Errors().Select(e => e.Pointer), Is.EqualTo(new[] { "/attachments/0/source" }));
    }

    [TestCaseSource(nameof(Sources))]
    public void Judge_HostileStoragePath_IsRefusedAtItsField(string path)
    {
        if (path.StartsWith("base64:", StringComparison.Ordinal))
            path += "=="; // there the word has a meaning
        var line = Rules.JudgeWith($"\"attachments\":[{{\"filename\":\"a\",\"storage_path\":{JsonSerializer.Serialize(path)}}}]");

        Assert.That(line.Errors().Select(e => e.Pointer), Is.EqualTo(new[] { "/attachments/0/storage_path" }));
    }

    [TestCaseSource(nameof(Attachments))]
    public void Judge_HostileAttachment_IsRefusedAtItsField(string attachment, string field, string code) =>
        Assert.That(Rules.JudgeWith($"\"attachments\":[{attachment}]").Errors(), Is.EqualTo(new[] { ("/attachments/0" + field, code) }));

    [TestCase(
        """{"filename":"a","source":"docs:a/b.pdf","size":1000000,"sha256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""",
        1
    )]
    [TestCase("""{"filename":"a","source":"/srv/mail/a.pdf"}""", 1)]
    [TestCase("""{"filename":"a","source":"inv-17"}""", 1)]
    [TestCase("""{"filename":"a","source":"https://x.example/a?b=c","auth":{"user":"u","password":""}}""", 1)]
    [TestCase("""{"filename":"a_{MD5:b026324c6904b2a9cb4b88d6d61c81d1}.pdf","storage_path":"docs:a","inline_id":"i"}""", 1)]
    [TestCase("""{"filename":"a","storage_path":"base64:MQo=","content_md5":"b026324c6904b2a9cb4b88d6d61c81d1"}""", 0)]
    [TestCase("""{"filename":"../a{MD5:b026324c6904b2a9cb4b88d6d61c81d1}","content":"MQo="}""", 0)]
    public void Judge_GoodAttachment_IsTaken(string attachment, int fetched)
    {
        var json = Rules.Message($"\"attachments\":[{attachment}]");

        Assert.That(Rules.Judge(json).Problem, Is.Null);
        Assert.That(AttachmentNotation.Fetched(JsonSerializer.Deserialize(json, MailJson.Default.MailDraft)!), Has.Count.EqualTo(fetched));
    }

    [Test]
    public void Judge_EndpointThatTheTenantDoesNotHave_IsTold()
    {
        var draft = Pipeline.Intake.DraftBinder.BindOne(
            System.Text.Encoding.UTF8.GetBytes(Rules.Message("\"attachments\":[{\"filename\":\"a\",\"source\":\"inv-17\"}]"))
        );

        var line = Rules.With(Rules.Account(1, "main", "other")).Judge("other", draft, Rules.Now, () => Rules.NextId);

        Assert.That(line.Errors(), Is.EqualTo(new[] { ("/attachments/0/source", "no_attachment_endpoint") }));
    }

    [Test]
    public void Judge_AnotherTenantsVolume_IsUnknown()
    {
        var draft = Pipeline.Intake.DraftBinder.BindOne(
            System.Text.Encoding.UTF8.GetBytes(Rules.Message("\"attachments\":[{\"filename\":\"a\",\"source\":\"docs:a\"}]"))
        );

        var line = Rules.With(Rules.Account(1, "main", "other")).Judge("other", draft, Rules.Now, () => Rules.NextId);

        Assert.That(line.Errors(), Is.EqualTo(new[] { ("/attachments/0/source", "unknown_volume") }));
    }
}
