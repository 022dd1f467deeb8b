using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands that every kind of thing has that is configured over HTTP: list, show, set, delete.</summary>
/// <param name="Plural">As in paths: <c>accounts</c>.</param>
/// <param name="Singular">As people say it.</param>
/// <param name="Example">An id for the examples.</param>
internal sealed record Resource(string Plural, string Singular, string Example, IReadOnlyList<Column> Columns)
{
    private string One => $"v1/{Plural}/{{0}}";

    public Argument<string> Id() => Words.Word("ID", $"The {Singular}'s id.");

    public Verb List()
    {
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", $"All {Plural}.")
        {
            Examples = [$"mailproxy {Plural} list"],
            Run = call => Lists.ShowAsync(call, $"v1/{Plural}", call.Get(limit), call.Get(all), Columns, $"There are no {Plural}."),
        }.With(limit, all);
    }

    public Verb Show()
    {
        var id = Id();
        return new Verb("show", $"One {Singular}, whole. Secrets never come out.")
        {
            Examples = [$"mailproxy {Plural} show {Example}"],
            Run = async call =>
            {
                var found = await call.Daemon.GetAsync(Call.Path(One, call.Word(id)), call.Stop);
                call.Show(found, _ => Outline.Write(call.Terminal, found));
                return ExitCode.Done;
            },
        }.With(id);
    }

    public Verb Set()
    {
        var id = Id();
        var file = Words.Text("--file", "FILE", "The object, as JSON; - is standard input.", "-f");
        return new Verb("set", $"Make a {Singular}, or replace one, from JSON.")
        {
            Details =
                "It takes the place of what is there, but for secrets: one that is absent is kept, null removes it. See "
                + "docs/openapi.json for "
                + "the members.",
            Examples = [$"mailproxy {Plural} set {Example} --file {Example}.json"],
            Run = async call =>
            {
                var body = await Files.ReadObjectAsync(
                    call,
                    call.Get(file) ?? throw new UsageException("--file FILE is missing."),
                    "--file"
                );
                return await PutAsync(call, call.Word(id), body);
            },
        }.With(id, file);
    }

    public async Task<int> PutAsync(Call call, string id, JsonObject body)
    {
        var answer = await call.Daemon.SendAsync(HttpMethod.Put, Call.Path(One, id), body, call.Stop);
        var made = answer.Status == System.Net.HttpStatusCode.Created ? "made" : "replaced";
        if (!call.IsJson && Cell.Text(answer.Body, "secret") is { Length: > 0 } secret)
            call.Line($"secret: {secret}");
        return call.Done(answer.Body, $"The {Singular} {id} was {made}.");
    }

    public Verb Delete()
    {
        var id = Id();
        var yes = Asking.Yes();
        return new Verb("delete", $"Delete a {Singular}.")
        {
            Examples = [$"mailproxy {Plural} delete spare --yes"],
            Run = async call =>
            {
                var name = call.Word(id);
                if (!Asking.Confirm(call, $"Delete the {Singular} {name}?", call.Get(yes)))
                    return call.Done(null, "Nothing was deleted.");
                await call.Daemon.SendAsync(HttpMethod.Delete, Call.Path(One, name), null, call.Stop);
                return call.Done(null, $"The {Singular} {name} was deleted.");
            },
        }.With(id, yes);
    }

    /// <summary>POST to a route below one of them, which answers the object.</summary>
    /// <param name="done">What people read then, behind its name: <c>is paused</c>.</param>
    public Verb Act(string name, string route, string summary, string done)
    {
        var id = Id();
        return new Verb(name, summary)
        {
            Examples = [$"mailproxy {Plural} {name} {Example}"],
            Run = async call =>
            {
                var answer = await call.Daemon.SendAsync(HttpMethod.Post, $"{Call.Path(One, call.Word(id))}/{route}", null, call.Stop);
                return call.Done(answer.Body, $"The {Singular} {call.Word(id)} {done}.");
            },
        }.With(id);
    }

    /// <summary>GET of a route below one of them: one sentence, and the rest.</summary>
    public Verb Explain()
    {
        var id = Id();
        return new Verb("explain", $"Why a {Singular}'s mail waits, or that it does not.")
        {
            Examples = [$"mailproxy {Plural} explain {Example}"],
            Run = async call =>
            {
                var answer = await call.Daemon.GetAsync(Call.Path(One, call.Word(id)) + "/explain", call.Stop);
                call.Show(
                    answer,
                    _ =>
                    {
                        call.Line(Cell.Text(answer, "summary"));
                        Outline.Write(call.Terminal, answer, "summary", "id", "tenant");
                    }
                );
                return ExitCode.Done;
            },
        }.With(id);
    }
}
