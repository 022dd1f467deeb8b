using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

public sealed class EventJsonTests
{
    private static readonly MailEvent Deferred = new(
        42,
        EventType.MessageDeferred,
        1_700_000_000_120,
        "default",
        "order-7",
        3,
        MessageState.Deferred,
        "main",
        2,
        "b1",
        """["a","ü"]""",
        """{"n":1.0}""",
        Encoding.UTF8.GetBytes("\"next_attempt_at\":\"2023-11-14T22:14:20.000Z\",\"recipients\":[]")
    );

    [Test]
    public void ToUtf8_MessageEvent_HasTheShapeOfTheContract() =>
        Assert.That(
            Encoding.UTF8.GetString(EventJson.ToUtf8(Deferred)),
            Is.EqualTo(
                """{"id":"evt_42","sequence":3,"type":"message.deferred","timestamp":"2023-11-14T22:13:20.120Z","data":{"tenant":"default","message_id":"order-7","batch":"b1","tags":["a","ü"],"metadata":{"n":1.0},"status":"deferred","final":false,"account":"main","attempt":2,"next_attempt_at":"2023-11-14T22:14:20.000Z","recipients":[]}}"""
            )
        );

    [Test]
    public void ToUtf8_NothingOptional_KeepsTheShape()
    {
        var bare = Deferred with
        {
            Batch = null,
            Tags = null,
            Metadata = null,
            Detail = default,
            Status = MessageState.Sent,
            Type = EventType.MessageSent,
        };

        Assert.That(
            Encoding.UTF8.GetString(EventJson.ToUtf8(bare)),
            Does.EndWith(
                "\"batch\":null,\"tags\":[],\"metadata\":{},\"status\":\"sent\",\"final\":true,\"account\":\"main\",\"attempt\":2}}"
            )
        );
    }

    [Test]
    public void ToUtf8_AccountEvent_TellsNothingOfAMessage()
    {
        var opened = new MailEvent(
            7,
            EventType.AccountCircuitOpened,
            0,
            "default",
            null,
            0,
            MessageState.Queued,
            "main",
            0,
            null,
            null,
            null,
            "\"reason\":\"x\""u8.ToArray()
        );

        Assert.That(
            Encoding.UTF8.GetString(EventJson.ToUtf8(opened)),
            Is.EqualTo(
                """{"id":"evt_7","type":"account.circuit_opened","timestamp":"1970-01-01T00:00:00.000Z","data":{"tenant":"default","account":"main","reason":"x"}}"""
            )
        );
    }

    [Test]
    public void ToUtf8_TextThatNeedsEscaping_IsWellFormed()
    {
        var odd = Deferred with
        {
            MessageId = "q\"\\",
            Account = "ä",
            Detail = EventDetail.Make("r\"\n", (w, s) => w.WriteString("reason", s)),
        };

        using var read = JsonDocument.Parse(EventJson.ToUtf8(odd));

        Assert.Multiple(() =>
        {
            Assert.That(read.RootElement.GetProperty("data").GetProperty("message_id").GetString(), Is.EqualTo("q\"\\"));
            Assert.That(read.RootElement.GetProperty("data").GetProperty("reason").GetString(), Is.EqualTo("r\"\n"));
        });
    }

    [Test]
    public void Write_IntoAList_IsWellFormed()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartArray();
            EventJson.Write(writer, Deferred);
            EventJson.Write(writer, Deferred);
            writer.WriteEndArray();
        }

        using var read = JsonDocument.Parse(stream.ToArray());

        Assert.That(read.RootElement.GetArrayLength(), Is.EqualTo(2));
    }

    [Test]
    public void Make_NoMembers_IsNull() => Assert.That(EventDetail.Make(0, (_, _) => { }), Is.Null);
}
