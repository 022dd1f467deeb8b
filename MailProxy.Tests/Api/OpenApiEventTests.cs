using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What webhooks and the feed get, beside what the OpenAPI document says that they get.</summary>
[TestFixture]
internal sealed class OpenApiEventTests : DaemonFixture
{
    private static readonly Circuit Trouble = new()
    {
        Trouble = new(new AccountKey(1), TroubleKind.Authentication, 535, "5.7.8", "Bad credentials")
        {
            Rule = "google/bad-password",
            Remedy = "Make another password.",
        },
        Since = 1,
        From = 1,
        Until = 2,
        Failures = 3,
        Version = 1,
    };

    protected override (string Name, string Value)[] Settings => [("Network:Allowed:0", "127.0.0.0/8")];

    [Test]
    public void Webhooks_OfTheDocument_AreAllTypesAndTheOthers()
    {
        var webhooks = ApiDocumentOf.Written().Root["webhooks"]!.AsObject();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                webhooks.Select(static one => one.Key),
                Is.EquivalentTo(EventNames.All.Select(static type => type.Name).Concat(["webhook.test", "batch", "delivery_report"]))
            );
            foreach (var (name, one) in webhooks)
                Assert.That(
                    one!["post"]!["parameters"]!.AsArray().Select(static p => ((string)p!["name"]!, (bool?)p["required"])),
                    Is.EquivalentTo(
                        new (string, bool?)[] { ("webhook-id", true), ("webhook-timestamp", true), ("webhook-signature", true) }
                    ),
                    name
                );
        }
    }

    [TestCaseSource(nameof(Types))]
    public void Event_OfEachType_FitsItsSchemaAndNoOther(EventType type)
    {
        var document = ApiDocumentOf.Written();
        var isOfMessage = type < EventType.AccountThrottled;
        var written = JsonNode.Parse(
            EventJson.ToUtf8(
                new(
                    1,
                    type,
                    1_800_000_000_000,
                    "default",
                    isOfMessage ? "m" : null,
                    1,
                    MessageState.Sent,
                    "relay",
                    1,
                    null,
                    "[\"a\"]",
                    null,
                    Detail(type)
                )
            )
        )!;
        if (type == EventType.WebhookDisabled)
            written["data"]!.AsObject().Remove("account");
        foreach (var (name, other) in EventNames.All)
        {
            var faults = document.Schemas.Faults(Reference(ApiEventSchemas.NameOf(name)), written);
            Assert.That(faults, other == type ? Is.Empty : Is.Not.Empty, $"{name}: {written.ToJsonString()}");
        }

        Assert.That(document.Schemas.Faults(Reference(ApiEventSchemas.Any), written), Is.Empty);
    }

    [Test]
    public async Task Feed_OfMailThatWentItsWays_FitsTheDocument()
    {
        var document = ApiDocumentOf.Written();
        foreach (
            var (id, to, sendAt) in new (string, string, string?)[]
            {
                ("sent", "a@x.example", null),
                ("failed", "perm@x.example", null),
                ("deferred", "temp@x.example", null),
                ("moved", "a@x.example", "2099-01-01T00:00:00Z"),
            }
        )
        {
            await _daemon.PostAsync(
                new
                {
                    id,
                    from = "b@x.example",
                    to,
                    text = "t",
                    send_at = sendAt,
                    tags = new[] { "x" },
                }
            );
        }

        await _daemon.UntilAsync("sent", EventType.MessageSent);
        await _daemon.UntilAsync("failed", EventType.MessageFailed);
        await _daemon.UntilAsync("deferred", EventType.MessageDeferred);
        foreach (var action in (string[])["hold", "release", "cancel"])
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/moved/{action}");
        await _daemon.UntilAsync("moved", EventType.MessageCancelled);

        var feed = await _daemon.GetAsync("/v1/events?limit=100");
        Assert.That(document.Schemas.Faults(Reference("EventList"), feed), Is.Empty);
        Assert.That(
            feed["data"]!.AsArray().Select(static one => (string)one!["type"]!).Distinct(),
            Is.SupersetOf(
                new[] { "message.queued", "message.sent", "message.failed", "message.deferred", "message.held", "message.released" }
            )
        );
    }

    [TestCase("events", 1, "message.sent")]
    [TestCase("events", 10, "batch")]
    [TestCase("sync", 10, "delivery_report")]
    public async Task Webhook_AsItIsSent_FitsTheDocument(string style, int most, string name)
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        var put = new
        {
            url = hook.Url,
            style,
            max_batch = most,
            types = new[] { "message.sent" },
        };
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/app", put), Is.EqualTo(201));
        await _daemon.PostAsync(
            new
            {
                from = "b@x.example",
                to = "a@x.example",
                text = "t",
            }
        );

        var hit = await hook.NextAsync();
        var said = ApiDocumentOf.Written().Root["webhooks"]![name]!["post"]!;
        var document = ApiDocumentOf.Written();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                document.Schemas.Faults(said["requestBody"]!["content"]!["application/json"]!["schema"]!, JsonNode.Parse(hit.Text)),
                Is.Empty
            );
            foreach (var (header, value) in new[] { ("webhook-id", hit.Id), ("webhook-signature", hit.Signature) })
            {
                var schema = said["parameters"]!.AsArray().Single(p => (string)p!["name"]! == header)!["schema"]!;
                Assert.That(document.Schemas.Faults(schema, value), Is.Empty, header);
            }
        }
    }

    private static IEnumerable<EventType> Types => EventNames.All.Select(static type => type.Value);

    private static JsonNode Reference(string name) => new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };

    private static ReadOnlyMemory<byte> Detail(EventType type) =>
        type switch
        {
            EventType.MessageQueued or EventType.MessageScheduled or EventType.MessageReplaced or EventType.MessageReleased => default,
            EventType.MessageHeld => "\"hold_reason\":\"manual\""u8.ToArray(),
            EventType.AccountCircuitClosed => CircuitDetail.OfClosed(Trouble, "probe"),
            EventType.AccountCircuitOpened or EventType.AccountAuthFailed or EventType.AccountThrottled => CircuitDetail.OfOpened(Trouble),
            EventType.AccountSecretExpiring => "\"expires_at\":\"2026-01-01T00:00:00Z\",\"days\":7,\"reason\":\"r\""u8.ToArray(),
            EventType.WebhookDisabled => "\"webhook\":\"app\",\"reason\":\"held_too_long\",\"dropped\":3"u8.ToArray(),
            _ => SettlementDetail.Make(
                new()
                {
                    NextAttemptAt = 1,
                    HoldReason = "ambiguous",
                    Policy = AmbiguousPolicy.Retry,
                    Reason = "r",
                    PossibleDuplicate = true,
                    Earlier =
                    [
                        new("a@x.example", RecipientState.Sent, 250, "2.0.0", "ok") { Rule = "a/b" },
                        new("b@x.example", RecipientState.Failed, null, null, null),
                    ],
                }
            ),
        };
}
