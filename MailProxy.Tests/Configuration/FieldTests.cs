using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>
/// Every field of every list: absent, null, of a wrong type, beyond its length, and back again. A noun adds whole examples.
/// </summary>
internal sealed class FieldTests
{
    private const string Secret = "s3cr3t-words";

    // A line before the key is read over.
    private const string Key =
        Secret
        + "\n-----BEGIN PRIVATE KEY-----\n"
        + "MC4CAQAwBQYDK2VwBCIEINNcKByLrchah+rgYPKVpBC7uvzwCee6rQaoT5iMkqQR\n-----END PRIVATE KEY-----\n";

    /// <summary>What may be said of a member that is not there: of itself, or of one that needs it.</summary>
    private static readonly string[] Missing = ["required", "secret_required", "needs_limit", "needs_preset"];

    private static readonly Example[] Examples =
    [
        Example.Of(
            AccountFields.Noun,
            """
            {"host":"smtp.example","port":587,"security":"starttls","verify_certificate":false,"auth":{"user":"u","password":"s3cr3t-words"},
             "limits":{"per_second":1,"per_minute":2,"per_hour":3,"per_day":4,"burst":5,"count":"messages","when_reached":"fail","paced":false,
              "warm_up":{"start":"2026-12-01","daily":[50,100,200]},
              "destinations":{"x.example":{"per_hour":100,"burst":3},"*":{"per_second":1,"per_minute":2,"per_day":9}}},
             "max_connections":2,"max_messages_per_connection":3,"max_recipients":4,"pipelining":"off","chunking":16,
             "from_allowed":["a@x.example","@y.example"],
             "large_files":{"threshold":1000,"action":"link","volume":"files","lifetime_days":3,"public_url":"https://dl.example/f"},
             "expires_after":3600,
             "retry_minutes":[0.5,10],"provider_tenant":"Contoso","description":"the big one"}
            """
        ),
        Example.Of(
            AccountFields.Noun,
            new JsonObject
            {
                ["host"] = "2001:db8::1",
                ["port"] = 465,
                ["security"] = "tls",
                ["dkim"] = new JsonObject
                {
                    ["domain"] = "bücher.example",
                    ["selector"] = "s1",
                    ["private_key"] = Key,
                },
            }.ToJsonString()
        ),
        Example.Of(AccountFields.Noun, """{"sandbox":true,"max_connections":2,"pipelining":"envelope"}"""),
        Example.Of(
            AccountFields.Noun,
            """
            {"host":"smtp.example","port":587,"security":"starttls","secret_expires_at":"2999-01-01T00:00:00Z","auth":{"user":"u","oauth2":
             {"preset":"microsoft","tenant_id":"contoso.example","token_url":"https://login.example/token","client_id":"c","scope":"s",
              "subject":"x@y.example","client_secret":"s3cr3t-words","refresh_token":"s3cr3t-words"}}}
            """
        ),
        Example.Of(
            AccountFields.Noun,
            """
            {"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","oauth2":
             {"token_url":"https://login.example/token","client_id":"c","client_secret":"s3cr3t-words"}}}
            """
        ),
        Example.Of(
            TenantFields.Noun,
            """
            {"name":"Acme","default_account":"main","active":false,"suppress_bounces":true,"retain":"7d","expires_after":3600,"retry_minutes":[1,2.5],
             "limits":{"per_second":2,"per_minute":3,"per_hour":500,"per_day":600,"burst":5,"count":"messages","when_reached":"fail","paced":false,
              "warm_up":{"start":"2026-12-01","daily":[1]}},
             "large_files":{"threshold":10000000,"action":"link","volume":"files","lifetime_days":14,"public_url":"https://dl.example/"},
             "attachment_endpoint":{"url":"https://files.example/x?t=1","auth":{"user":"ann","password":"s3cr3t-words"}}}
            """
        ),
        Example.Of(
            TenantFields.Noun,
            """{"name":"Acme","attachment_endpoint":{"url":"https://x.example/","auth":{"bearer":"s3cr3t-words"}}}"""
        ),
        Example.Of(
            KeyFields.Noun,
            """{"name":"n","scopes":["send","manage"],"allowed_networks":["10.0.0.0/8"],"expires_at":"2999-01-01T00:00:00Z"}""",
            isMade: true
        ),
        Example.Of(
            PoolFields.Noun,
            """{"strategy":"weighted","accounts":[{"id":"a","weight":3},{"id":"b","weight":1}],"description":"two"}"""
        ),
        Example.Of(VolumeFields.Noun, """{"backend":"local","config":{"root":"/srv/files"},"shared":true}"""),
        Example.Of(
            VolumeFields.Noun,
            """
            {"backend":"s3","shared":false,"config":{"bucket":"files","prefix":"a/b","region":"eu-central-1","endpoint":"https://s3.example",
             "path_style":true,"access_key":"AK","secret_key":"s3cr3t-words","chunked_upload":false}}
            """
        ),
        Example.Of(
            VolumeFields.Noun,
            """{"backend":"http","config":{"base_url":"https://x.example/","auth":{"user":"u","password":"s3cr3t-words"}}}"""
        ),
        Example.Of(VolumeFields.Noun, """{"backend":"http","config":{"base_url":"https://x.example/","auth":{"bearer":"s3cr3t-words"}}}"""),
        Example.Of(
            VolumeFields.Noun,
            """{"backend":"http","config":{"base_url":"https://x.example/","auth":{"header":"X-Key","value":"s3cr3t-words"}}}"""
        ),
        Example.Of(
            WebhookFields.Noun,
            """
            {"url":"https://x.example/in?key=k3y","types":["message.sent","message.failed"],"style":"sync","empty_reports":false,"final_only":true,"max_batch":7,
             "auth":{"user":"u","password":"s3cr3t-words"},"secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}
            """
        ),
        Example.Of(
            WebhookFields.Noun,
            """
            {"url":"https://x.example/","auth":{"header":"X-Key","value":"s3cr3t-words"},
             "secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}
            """
        ),
    ];

    /// <summary>Each member of each example, with the list that it is of.</summary>
    private static IEnumerable<TestCaseData> Members() =>
        from example in Examples
        from path in Paths(example.Json, "")
        select new TestCaseData(example, path).SetArgDisplayNames($"{example.Noun} {example.Number}", path);

    [TestCaseSource(nameof(Examples))]
    public void Whole_BoundShownAndBoundAgain_IsTheSame(Example example)
    {
        var first = example.Bind(example.Json.ToJsonString(), null);
        var again = example.Bind(example.Asked(first.Shown), first);
        Assert.That(first.Mistakes, Is.Empty);
        Assert.That(again.Mistakes, Is.Empty, first.Shown);
        Assert.That(again.Shown, Is.EqualTo(first.Shown));
        Assert.That(again.Kept, Is.EqualTo(first.Kept));
        Assert.That(example.IsSame(again.Value, first.Value), Is.True, "secrets too");
    }

    [TestCaseSource(nameof(Examples))]
    public void Whole_KeptAndRead_IsTheSame(Example example)
    {
        var bound = example.Bind(example.Json.ToJsonString(), null);
        Assert.That(example.IsSame(example.Reread(bound), bound.Value), Is.True);
    }

    [TestCaseSource(nameof(Examples))]
    public void Secrets_AreInNoAnswerNoRowAndNoAudit(Example example)
    {
        var bound = example.Bind(example.Json.ToJsonString(), null);
        var changed = example.Bind(example.Json.ToJsonString().Replace(Secret, Secret + "-2"), bound);
        Assert.That(bound.Shown + bound.Kept + bound.Audited + example.Audited(changed, bound), Does.Not.Contain(Secret));
        if (!example.Json.ToJsonString().Contains(Secret))
            return;
        Assert.That(bound.Shown, Does.Contain("_set\":true"));
        Assert.That(example.Audited(changed, bound), Does.Contain("_changed\":true"));
    }

    [TestCaseSource(nameof(Members))]
    public void Member_Absent_IsLikeNull(Example example, string path)
    {
        var whole = example.Bind(example.Json.ToJsonString(), null);
        var (absent, none) = (example.Without(path), example.With(path, null));
        var (left, asked) = (example.Bind(absent, null), example.Bind(none, null));
        Assert.That(left.Mistakes, Is.EqualTo(asked.Mistakes), path);
        if (left.Mistakes.Count == 0)
            Assert.That(left.Shown, Is.EqualTo(asked.Shown), path);
        Assert.That(example.Bind(absent, whole).Mistakes.Select(m => m.Code).Distinct(), Is.SubsetOf(Missing), path);
    }

    [TestCaseSource(nameof(Members))]
    public void Member_OfAnotherType_IsRefusedAtItsPointer(Example example, string path)
    {
        foreach (
            var wrong in (JsonNode[])[JsonValue.Create(-1.5), new JsonArray(new JsonObject()), JsonValue.Create(new string('x', 20_000))]
        )
        {
            var bound = example.Bind(example.With(path, wrong), null);

            // Of a list each entry has a pointer, of an object its members.
            var pointers = bound.Mistakes.Select(mistake => mistake.Pointer);
            Assert.That(pointers, Has.Some.EqualTo("/" + path).Or.Some.StartsWith($"/{path}/"), wrong.ToJsonString()[..3]);
        }
    }

    [TestCaseSource(nameof(Members))]
    public void Member_WithAnUnknownOneBeside_IsRefused(Example example, string path)
    {
        var unknown = path[..(path.LastIndexOf('/') + 1)] + "surprise";
        var bound = example.Bind(example.With(unknown, JsonValue.Create(1)), null);
        // The names of destinations are domains, so any may be there.
        var code = unknown == "limits/destinations/surprise" ? "invalid_type" : "unknown_field";
        Assert.That(bound.Mistakes.Select(mistake => (mistake.Pointer, mistake.Code)), Has.Some.EqualTo(("/" + unknown, code)));
    }

    private static IEnumerable<string> Paths(JsonObject json, string at) =>
        json.SelectMany(member =>
            member.Value is JsonObject inner ? Paths(inner, $"{at}{member.Key}/").Prepend(at + member.Key) : [at + member.Key]
        );

    internal sealed record Bound(object Value, IReadOnlyList<FieldError> Mistakes, string Shown, string Kept, string Audited);

    /// <summary>A whole request of a noun, whose type is hidden so that one test runs over all.</summary>
    internal sealed record Example(
        string Noun,
        int Number,
        JsonObject Json,
        Func<string, Bound?, Bound> Bind,
        Func<string, string> Asked,
        Func<Bound, object> Reread,
        Func<object, object, bool> IsSame,
        Func<Bound, Bound, string> Audited
    )
    {
        private static int _last;

        /// <param name="isMade">It is only made and never put again, so a request has none of what only answers have.</param>
        public static Example Of<T>(Noun<T> noun, string json, bool isMade = false)
            where T : class =>
            new(
                noun.Name,
                ++_last,
                JsonNode.Parse(json)!.AsObject(),
                (text, before) =>
                {
                    using var document = JsonDocument.Parse(text);
                    var members = new MemberReader(document.RootElement, byAdmin: true);
                    var bound = noun.Fields.Bind(members, noun.New("acme", "one"), (T?)before?.Value);
                    var value = noun.Stamp(bound, 1, 1); // as a store gives it back
                    return new(
                        value,
                        [.. members.Errors],
                        noun.Fields.Show(value).ToJsonString(),
                        noun.Fields.Keep(value).ToJsonString(),
                        noun.Audited(value).ToJsonString()
                    );
                },
                shown =>
                {
                    var asked = JsonNode.Parse(shown)!.AsObject();
                    foreach (var field in noun.Fields.Fields.Where(field => isMade && field.Use == FieldUse.Answers))
                        asked.Remove(field.Name);
                    return asked.ToJsonString();
                },
                bound =>
                {
                    using var kept = JsonDocument.Parse(bound.Kept);
                    var read = noun.Fields.Read(kept.RootElement, noun.New("acme", "one"));
                    var whole = noun.Secrets.Aggregate(read, (value, secret) => secret.Set(value, secret.Get((T)bound.Value)));
                    return noun.Stamp(whole, 1, 1); // secrets first, as a row is read
                },
                (one, other) =>
                    JsonNode.DeepEquals(noun.Fields.Keep((T)one), noun.Fields.Keep((T)other))
                    && JsonNode.DeepEquals(noun.Fields.Show((T)one), noun.Fields.Show((T)other))
                    && noun.Secrets.All(secret => secret.Get((T)one) == secret.Get((T)other)),
                (now, was) => noun.Audited((T)now.Value, (T)was.Value).ToJsonString()
            );

        public string Without(string path) => Changed(path, static (at, name) => at.Remove(name));

        public string With(string path, JsonNode? value) => Changed(path, (at, name) => at[name] = value?.DeepClone());

        public override string ToString() => $"{Noun} {Number}";

        private string Changed(string path, Action<JsonObject, string> change)
        {
            var copy = Json.DeepClone().AsObject();
            var names = path.Split('/');
            change(names[..^1].Aggregate(copy, static (at, name) => at[name]!.AsObject()), names[^1]);
            return copy.ToJsonString();
        }
    }
}
