using System.Buffers;
using System.Text.Json;

namespace MailProxy.Daemon.Cli;

/// <summary>The demo's mails: of every hundred, one bounces and one is deferred, so that the numbers mean something. Pure.</summary>
internal static class DemoMail
{
    /// <summary>The state in which the mail with this number is expected to end.</summary>
    public static string ExpectedState(int number) =>
        (number % 100) switch
        {
            40 => "failed",
            80 => "deferred",
            _ => "sent",
        };

    public static string Recipient(int number) =>
        ExpectedState(number) switch
        {
            "failed" => $"perm+{number}@example.com",
            "deferred" => $"temp+{number}@example.com",
            _ => $"reader{number}@example.com",
        };

    public static string Id(string batch, int number) => $"{batch}-{number}";

    public static byte[] Json(string batch, int number)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("id", Id(batch, number));
            json.WriteString("account", "sandbox");
            json.WriteString("batch", batch);
            json.WriteString("from", "MailProxy demo <demo@example.com>");
            json.WriteString("to", Recipient(number));
            json.WriteString("subject", $"Demo mail {number}");
            json.WriteString(
                "text",
                $"This is demo mail {number}.\r\n\r\nIt went over HTTP into the store, waited for its turn, and came to you over SMTP.\r\n"
            );
            json.WriteString(
                "html",
                $"<p>This is demo mail <b>{number}</b>.</p><p>It went over HTTP into the store, waited for its turn, and came to "
                    + "you over SMTP.</p>"
            );
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
