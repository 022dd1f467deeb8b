using System.Text.Json;
using CsCheck;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using NUnit.Framework;

namespace MailProxy.Tests.Notation;

/// <summary>
/// Every well-known header of HTTP: whichever may be set can be sent, and whichever cannot is refused when it is set, wherever that is.
/// </summary>
public sealed class CredentialHeaderTests
{
    // The permanent registry's (RFC 9110 and others), and what .NET knows beside it.
    private static readonly string[] Refused =
    [
        "Accept",
        "Accept-Encoding",
        "Accept-Ranges",
        "Age",
        "Allow",
        "Alt-Svc",
        "Cache-Control",
        "Connection",
        "Content-Base",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Location",
        "Content-MD5",
        "Content-Range",
        "Content-Security-Policy",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Date",
        "ETag",
        "Expect",
        "Expires",
        "Host",
        "HTTP2-Settings",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Keep-Alive",
        "Last-Modified",
        "Location",
        "Max-Forwards",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Range",
        "Retry-After",
        "Server",
        "Set-Cookie",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
        "Vary",
        "Via",
        "Warning",
        "WWW-Authenticate",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "Webhook-Anything",
        "expires",
        "EXPIRES",
        "content-length",
        "",
        " ",
        "a b",
        "a:b",
        ":method",
        "a\u00fc",
        "(a)",
        "a,b",
    ];

    private static readonly string[] Good =
    [
        "Authorization",
        "Cookie",
        "X-Api-Key",
        "X-Auth-Token",
        "Api-Key",
        "Ocp-Apim-Subscription-Key",
        "PRIVATE-TOKEN",
        "X-Goog-Api-Key",
        "From",
        "Origin",
        "Referer",
        "Pragma",
        "Accept-Language",
        "X",
        "!#$%&'*+-.^_`|~9",
    ];

    [TestCaseSource(nameof(Refused))]
    public void MayBeSet_OursOrNone_IsRefusedInBothNotations(string name)
    {
        Assert.That(CredentialHeader.MayBeSet(name), Is.False);
        Assert.That(Bind(name, "x").Faults, Has.Some.StartsWith("/header"));
        var errors = new List<FieldError>();
        Assert.That(Credentials.Read(new(null, null, null, name, "x"), "/auth", errors), Is.Null);
        Assert.That(errors.Select(error => error.Pointer), Does.Contain("/auth/header"));
    }

    [TestCaseSource(nameof(Good))]
    public void MayBeSet_Credentials_IsSentInBothNotations(string name)
    {
        using var request = new HttpRequestMessage();
        CredentialHeader.Add(request.Headers, Bind(name, "s3cret").Auth);
        Assert.That(request.Headers.GetValues(name), Is.EqualTo(new[] { "s3cret" }));
        Assert.That(Credentials.Read(new(null, null, null, name, "s3cret"), "/auth", []), Is.Not.Null);
    }

    [TestCase("a\u00fc")]
    [TestCase("a\rb")]
    [TestCase("a\nb")]
    [TestCase("a\0b")]
    [TestCase("a\tb")]
    [TestCase("a\u007fb")]
    [TestCase("")]
    public void Value_ThatNoHeaderCarries_IsRefused(string value)
    {
        Assert.That(Bind("X-Api-Key", value).Faults, Has.Some.StartsWith("/value"));
        Assert.That(BindBearer(value).Faults, Has.Some.StartsWith("/bearer"));
    }

    [TestCaseSource(nameof(Refused))]
    public void Add_StoredByAnEarlierVersion_IsSentOrToldAndNothingElse(string name)
    {
        using var request = new HttpRequestMessage();
        try
        {
            CredentialHeader.Add(request.Headers, new SourceAuth.Header(name, "x"));
            Assert.That(request.Headers.NonValidated.Contains(name), Is.True);
        }
        catch (FormatException error)
        {
            Assert.That(error.Message, Does.Contain("set auth again"));
        }
    }

    [Test]
    public void Bind_AnyNameAndValue_IsRefusedOrCanBeSent() =>
        Gen.Select(Gen.OneOf(Gen.OneOf([.. Refused, .. Good]), Gen.String), Gen.String[Gen.Char, 1, 40])
            .Where(static (name, value) => IsUnicode(name) && IsUnicode(value))
            .Sample(
                static (name, value) =>
                {
                    var (auth, faults) = Bind(name, value);
                    if (faults.Count > 0)
                        return true;
                    using var request = new HttpRequestMessage();
                    CredentialHeader.Add(request.Headers, auth);
                    return request.Headers.NonValidated.Contains(name);
                },
                iter: 5_000
            );

    private static bool IsUnicode(string text) => !text.Any(char.IsSurrogate);

    private static (SourceAuth? Auth, IReadOnlyList<string> Faults) Bind(string name, string value) =>
        BindObject(new Dictionary<string, string> { ["header"] = name, ["value"] = value });

    private static (SourceAuth? Auth, IReadOnlyList<string> Faults) BindBearer(string value) =>
        BindObject(new Dictionary<string, string> { ["bearer"] = value });

    private static (SourceAuth? Auth, IReadOnlyList<string> Faults) BindObject(Dictionary<string, string> written)
    {
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(written));
        var members = new MemberReader(json.RootElement);
        var auth = SourceAuthFields.Bind(members, null, moved: false);
        return (auth, [.. members.Refusal?.Problem.Errors?.Select(error => error.Pointer) ?? []]);
    }
}
