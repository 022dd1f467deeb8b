using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The groups of commands for what is configured: each kind of thing with its own actions.</summary>
internal static class ResourceVerbs
{
    public static readonly Resource Accounts = new(
        "accounts",
        "account",
        "relay",
        [
            new("id", "id"),
            new("server", static one => Cell.Flag(one, "sandbox") ? "sandbox" : $"{Cell.Text(one, "host")}:{Cell.Text(one, "port")}"),
            new("security", "security"),
            new("user", "auth.user"),
            new("circuit", "circuit.state"),
            new("paused", "paused"),
            new("waits for", "waiting_for.detail"),
        ]
    );

    private static readonly Resource Pools = new(
        "pools",
        "pool",
        "both",
        [new("id", "id"), new("strategy", "strategy"), new("accounts", "accounts"), new("waits for", "waiting_for.detail")]
    );

    private static readonly Resource Volumes = new(
        "volumes",
        "volume",
        "files",
        [
            new("id", "id"),
            new("backend", "backend"),
            new("where", static one => Cell.Text(one, "config.root") + Cell.Text(one, "config.bucket") + Cell.Text(one, "config.base_url")),
            new("shared", "shared"),
            new("last error", "last_error"),
        ]
    );

    private static readonly Resource Tenants = new(
        "tenants",
        "tenant",
        "shop",
        [
            new("id", "id"),
            new("name", "name"),
            new("active", "active"),
            new("default", static one => Cell.Text(one, "default_account") + Cell.Text(one, "default_pool")),
        ]
    );

    private static readonly Resource Webhooks = new(
        "webhooks",
        "webhook",
        "crm",
        [
            new("id", "id"),
            new("url", "url"),
            new("status", "status"),
            new("backlog", "backlog", isRight: true),
            new("lag s", "lag_seconds", isRight: true),
            new("last error", "last_error"),
        ]
    );

    private static readonly IReadOnlyList<Column> AnswerColumns =
    [
        new("at", "at"),
        new("ms", "milliseconds", isRight: true),
        new("status", "status", isRight: true),
        new("error", "error"),
        new("answer", "excerpt"),
    ];

    private static readonly Resource Batches = new(
        "batches",
        "batch",
        "news-11",
        [new("id", "id"), new("suspended", "suspended"), new("since", "suspended_at"), new("weight", "weight", isRight: true)]
    );

    public static Verb MakeAccounts() =>
        new Verb("accounts", "SMTP accounts: make them by a provider's preset, test, pause, see what holds them.").With(
            AccountAdd.Make(),
            Accounts.List(),
            Accounts.Show(),
            Accounts.Set(),
            Accounts.Delete(),
            AccountTest.Make(),
            Accounts.Explain(),
            Accounts.Act("pause", "pause", "Let its mail wait.", "is paused"),
            Accounts.Act("resume", "resume", "Let its mail go; closes its circuit too.", "sends"),
            Accounts.Act("reset-circuit", "circuit/reset", "Close its circuit: what was wrong is mended.", "is tried again"),
            Accounts.Act("reset-rate", "adaptive/reset", "Forget the rate that a provider's replies have taught.", "sends at its own rate"),
            DkimVerbs.Make()
        );

    public static Verb MakePools() =>
        new Verb("pools", "Pools: several accounts that a message may go by.").With(
            Pools.List(),
            Pools.Show(),
            Pools.Set(),
            Pools.Delete(),
            Pools.Explain()
        );

    public static Verb MakeVolumes() =>
        new Verb("volumes", "Volumes: where attachments are fetched from.").With(
            Volumes.List(),
            Volumes.Show(),
            Volumes.Set(),
            Volumes.Delete(),
            VolumeTest()
        );

    public static Verb MakeTenants() =>
        new Verb("tenants", "Tenants: applications that see nothing of each other.").With(
            Tenants.List(),
            Tenants.Show(),
            Tenants.Set(),
            Tenants.Delete()
        );

    public static Verb MakeWebhooks() =>
        new Verb("webhooks", "Webhooks: who is told what becomes of mail.").With(
            Webhooks.List(),
            Webhooks.Show(),
            Webhooks.Set(),
            Webhooks.Delete(),
            WebhookTest(),
            WebhookAnswers(),
            Webhooks.Act("pause", "pause", "Let its events wait.", "is paused"),
            Webhooks.Act("resume", "resume", "Report again; enables one that was disabled.", "reports"),
            RotateSecret(),
            Replay()
        );

    public static Verb MakeBatches() =>
        new Verb("batches", "Batches: mail that is suspended and let go together.").With(
            Batches.List(),
            Batches.Show(),
            Batches.Set(),
            Batches.Delete(),
            Batches.Act("suspend", "suspend", "Let its mail wait.", "is suspended"),
            Batches.Act("activate", "activate", "Let its mail go.", "sends")
        );

    private static Verb VolumeTest()
    {
        var id = Volumes.Id();
        var path = Words.Text("--path", "PATH", "Look for this file in it, instead of listing.");
        return new Verb("test", "Ask a volume whether it can be read; nothing is changed. Exit code 1 when not.")
        {
            Examples = ["mailproxy volumes test files"],
            Run = call =>
                Trial.RunAsync(
                    call,
                    Call.Path("v1/volumes/{0}/test", call.Word(id)),
                    call.Get(path) is { } file ? new JsonObject { ["path"] = file } : null
                ),
        }.With(id, path);
    }

    private static Verb WebhookTest()
    {
        var id = Webhooks.Id();
        return new Verb("test", "Send a webhook a test event. Exit code 1 when it is not answered with 2xx.")
        {
            Examples = ["mailproxy webhooks test crm"],
            Run = call => Trial.RunAsync(call, Call.Path("v1/webhooks/{0}/test", call.Word(id)), null),
        }.With(id);
    }

    private static Verb WebhookAnswers()
    {
        var id = Webhooks.Id();
        return new Verb("answers", "How a webhook answered the last requests; of at most 20, since the daemon's start.")
        {
            Examples = ["mailproxy webhooks answers crm"],
            Run = async call =>
            {
                var answers = await call.Daemon.GetAsync(Call.Path("v1/webhooks/{0}/answers", call.Word(id)), call.Stop);
                call.Show(
                    answers,
                    _ =>
                    {
                        JsonNode[] rows = [.. ((JsonArray)answers["data"]!).Select(static one => one!)];
                        if (rows.Length == 0)
                            call.Note("No request since the daemon started.");
                        else
                            Tables.Write(call.Terminal, AnswerColumns, rows);
                    }
                );
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static Verb RotateSecret()
    {
        var id = Webhooks.Id();
        return new Verb("rotate-secret", "Make a new secret, which is shown once; the old one signs beside it for a while.")
        {
            Examples = ["mailproxy webhooks rotate-secret crm"],
            Run = async call =>
            {
                var path = Call.Path("v1/webhooks/{0}/rotate-secret", call.Word(id));
                var answer = await call.Daemon.SendAsync(HttpMethod.Post, path, null, call.Stop);
                return call.Done(answer.Body, $"secret: {Cell.Text(answer.Body, "secret")}");
            },
        }.With(id);
    }

    private static Verb Replay()
    {
        var id = Webhooks.Id();
        var from = Words.Text("--from", "TIME", "Events of this time and later: RFC 3339.");
        var to = Words.Text("--to", "TIME", "Until this time; without it until now.");
        return new Verb("replay", "Tell a webhook the events of a time once more.")
        {
            Examples = ["mailproxy webhooks replay crm --from 2026-11-01T00:00:00Z"],
            Run = async call =>
            {
                var body = new JsonObject { ["from"] = call.Get(from) ?? throw new UsageException("Since when? Say --from TIME.") };
                if (call.Get(to) is { } until)
                    body["to"] = until;
                var answer = await call.Daemon.SendAsync(
                    HttpMethod.Post,
                    Call.Path("v1/webhooks/{0}/replay", call.Word(id)),
                    body,
                    call.Stop
                );
                return call.Done(answer.Body, $"The webhook {call.Word(id)} is told them again.");
            },
        }.With(id, from, to);
    }
}
