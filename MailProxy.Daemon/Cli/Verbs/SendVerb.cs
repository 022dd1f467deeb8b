using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MimeKit;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>send</c>: one message, from a file or from options.</summary>
internal static class SendVerb
{
    public static Verb Make()
    {
        var file = Words.OptionalWord("FILE", "A whole message (.eml, RFC 5322), sent as it is; - is standard input.");
        var parts = new SendParts();
        var wait = Words.Flag("--wait", "Show what happens to it until it is final; exit code 0 when it was sent, 1 when not.");
        return new Verb("send", "Send one message: a whole one from a file, or one made of options.")
        {
            Details =
                "Of a file the recipients are those of To, Cc and Bcc, unless --to says others. It is queued when this ends, and not yet "
                + "sent; --wait stays until it is.",
            Examples =
            [
                "mailproxy send --from shop@example.com --to ann@example.com --subject Hello --text \"It works.\" --wait",
                "mailproxy send invoice.eml --account relay",
                "mailproxy send --from shop@example.com --to ann@example.com --subject Report --text-file report.txt --attach report.pdf",
            ],
            Run = async call =>
            {
                var message = call.Get(file) is { } whole ? await RawAsync(call, whole, parts) : await parts.ComposeAsync(call);
                await parts.AddHandlingAsync(call, message);
                var receipt = (await call.Daemon.SendAsync(HttpMethod.Post, "v1/messages", message, call.Stop)).Body!;
                if (!call.Get(wait))
                    return call.Done(receipt, $"{Cell.Text(receipt, "id")}: {Cell.Text(receipt, "status")}");
                return await WaitAsync(call, (string)receipt["id"]!);
            },
        }
            .With(file)
            .With(parts.All)
            .With(wait);
    }

    private static async Task<int> WaitAsync(Call call, string id)
    {
        var final = await MessageWatch.FollowAsync(call, id, call.IsJson ? static _ => { } : one => MessageWatch.Tell(call, one));
        call.Done(final, $"{id}: {Cell.Text(final, "status")}");
        return MessageWatch.Code(final);
    }

    private static async Task<JsonObject> RawAsync(Call call, string file, SendParts parts)
    {
        parts.RefuseBody(call);
        var octets = await Files.ReadAsync(call, file, "FILE");
        var message = new JsonObject { ["raw"] = Convert.ToBase64String(octets) };
        if (parts.Recipients(call, message))
            return message;
        MimeMessage head;
        try
        {
            using var stream = new MemoryStream(octets);
            head = await MimeMessage.LoadAsync(stream, call.Stop);
        }
        catch (FormatException error)
        {
            throw new UsageException($"FILE: {file} is not a message (RFC 5322): {Hosting.OneLine.Of(error)}", error);
        }

        Add(message, "to", head.To);
        Add(message, "cc", head.Cc);
        Add(message, "bcc", head.Bcc);
        return message.Count > 1 ? message : throw new UsageException($"FILE: {file} has no To, Cc or Bcc: say --to ADDRESS.");
    }

    private static void Add(JsonObject message, string name, InternetAddressList addresses)
    {
        JsonNode[] all = [.. addresses.Mailboxes.Select(static one => (JsonNode)one.Address)];
        if (all.Length > 0)
            message[name] = new JsonArray(all);
    }
}
