using System.CommandLine;
using System.Text.Json.Nodes;
using MimeKit;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The options of <c>send</c>, and the message that is made of them.</summary>
internal sealed class SendParts
{
    private readonly Option<string?> _from = Words.Text(
        "--from",
        "ADDRESS",
        "Who sends: shop@example.com, or \"Shop <shop@example.com>\"."
    );
    private readonly Option<string[]> _to = Words.Texts("--to", "ADDRESS", "To whom; several times for several.");
    private readonly Option<string[]> _cc = Words.Texts("--cc", "ADDRESS", "Copies.");
    private readonly Option<string[]> _bcc = Words.Texts("--bcc", "ADDRESS", "Copies that nobody sees.");
    private readonly Option<string?> _subject = Words.Text("--subject", "TEXT", "The subject.");
    private readonly Option<string?> _text = Words.Text("--text", "TEXT", "The body as text.");
    private readonly Option<string?> _textFile = Words.Text("--text-file", "FILE", "The body as text, from a file; - is standard input.");
    private readonly Option<string?> _html = Words.Text("--html", "HTML", "The body as HTML; beside --text as its other form.");
    private readonly Option<string?> _htmlFile = Words.Text("--html-file", "FILE", "The body as HTML, from a file.");
    private readonly Option<string[]> _attach = Words.Texts("--attach", "FILE", "An attachment; several times for several.");
    private readonly Option<string?> _account = Words.Text("--account", "ID", "The account that it goes by.");
    private readonly Option<string?> _pool = Words.Text("--pool", "ID", "The pool that it goes by.");
    private readonly Option<string?> _id = Words.Text("--id", "ID", "Its id; the same id is never sent twice. One is made without it.");
    private readonly Option<string?> _batch = Words.Text("--batch", "ID", "The batch that it belongs to.");
    private readonly Option<string[]> _tags = Words.Texts("--tag", "TAG", "A label; several times for several.");
    private readonly Option<string?> _priority = Words.Choice("--priority", "medium without it.", "immediate", "high", "medium", "low");
    private readonly Option<string?> _at = Words.Text("--at", "TIME", "Not before: RFC 3339 (2026-12-01T08:00:00Z).");
    private readonly Option<string?> _message = Words.Text(
        "--message",
        "FILE",
        "Further members, as a JSON object: see docs/openapi.json."
    );

    public Option[] All =>
        [
            _from,
            _to,
            _cc,
            _bcc,
            _subject,
            _text,
            _textFile,
            _html,
            _htmlFile,
            _attach,
            _account,
            _pool,
            _id,
            _batch,
            _tags,
            _priority,
            _at,
            _message,
        ];

    /// <summary>A whole message has these itself.</summary>
    public void RefuseBody(Call call)
    {
        Option<string?>[] one = [_from, _subject, _text, _textFile, _html, _htmlFile];
        var given =
            one.FirstOrDefault(option => call.Get(option) is not null) ?? (Option?)(call.Get(_attach) is { Length: > 0 } ? _attach : null);
        if (given is not null)
            throw new UsageException($"{given.Name}: the message in FILE has that itself. Leave one of the two out.");
    }

    /// <summary>Puts in whom options name; false: they name nobody.</summary>
    public bool Recipients(Call call, JsonObject message)
    {
        var any = false;
        foreach (var (option, name) in new[] { (_to, "to"), (_cc, "cc"), (_bcc, "bcc") })
        {
            if (call.Get(option) is not { Length: > 0 } addresses)
                continue;
            message[name] = new JsonArray([.. addresses.Select(static one => (JsonNode)one)]);
            any = true;
        }

        return any;
    }

    public async Task<JsonObject> ComposeAsync(Call call)
    {
        var message = new JsonObject { ["from"] = call.Get(_from) ?? throw new UsageException("Who sends? Say --from ADDRESS.") };
        if (!Recipients(call, message))
            throw new UsageException("To whom? Say --to ADDRESS.");
        Put(message, "subject", call.Get(_subject));
        Put(message, "text", await BodyAsync(call, _text, _textFile));
        Put(message, "html", await BodyAsync(call, _html, _htmlFile));
        if (!message.ContainsKey("text") && !message.ContainsKey("html"))
            throw new UsageException("What does it say? Say --text TEXT, --text-file FILE, --html HTML or --html-file FILE.");
        if (call.Get(_attach) is not { Length: > 0 } files)
            return message;
        var attachments = new JsonArray();
        foreach (var file in files)
        {
            attachments.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["filename"] = Path.GetFileName(file),
                        ["content_type"] = MimeTypes.GetMimeType(file),
                        ["content"] = Convert.ToBase64String(await Files.ReadAsync(call, file, "--attach")),
                    }
            );
        }

        message["attachments"] = attachments;
        return message;
    }

    /// <summary>Puts in how it is to be handled.</summary>
    public async Task AddHandlingAsync(Call call, JsonObject message)
    {
        Put(message, "account", call.Get(_account));
        Put(message, "pool", call.Get(_pool));
        Put(message, "id", call.Get(_id));
        Put(message, "batch", call.Get(_batch));
        Put(message, "priority", call.Get(_priority));
        Put(message, "send_at", call.Get(_at));
        if (call.Get(_tags) is { Length: > 0 } tags)
            message["tags"] = new JsonArray([.. tags.Select(static one => (JsonNode)one)]);
        if (call.Get(_message) is not { } file)
            return;
        foreach (var (name, value) in await Files.ReadObjectAsync(call, file, "--message"))
            message[name] = value?.DeepClone();
    }

    private static async Task<string?> BodyAsync(Call call, Option<string?> direct, Option<string?> file) =>
        (call.Get(direct), call.Get(file)) switch
        {
            ({ } _, { } _) => throw new UsageException($"{direct.Name} and {file.Name} both give the body: leave one out."),
            (var text, null) => text,
            (null, { } name) => await Files.ReadTextAsync(call, name, file.Name),
        };

    private static void Put(JsonObject message, string name, string? value)
    {
        if (value is not null)
            message[name] = value;
    }
}
