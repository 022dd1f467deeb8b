using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Cli;

/// <summary>One command as it was typed, with what it needs to do its work.</summary>
internal sealed class Call(ParseResult parsed, Terminal terminal, CancellationToken stop) : IDisposable
{
    private readonly Dictionary<string, DaemonClient> _others = [];
    private DaemonClient? _daemon;

    public Terminal Terminal => terminal;

    public CancellationToken Stop => stop;

    public TimeProvider Clock => terminal.Clock;

    public bool IsJson => parsed.GetValue(CommonOptions.Json);

    public string? Tenant => parsed.GetValue(CommonOptions.Tenant);

    public DaemonFinder Finder => new(terminal.Environment, terminal.BaseDirectory);

    /// <summary>The daemon; found when it is first asked.</summary>
    public DaemonClient Daemon => _daemon ??= Connect();

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parsed.GetValue(argument);

    public string Word(Argument<string> argument) => parsed.GetRequiredValue(argument);

    public (string? Data, string? Config) Places =>
        (PathOrNull(parsed.GetValue(CommonOptions.Data)), PathOrNull(parsed.GetValue(CommonOptions.Config)));

    /// <summary>The daemon's settings, when it is one of this machine.</summary>
    public DaemonSettings? Settings { get; private set; }

    /// <summary>A path of the API with names in it: <c>v1/accounts/{id}</c>.</summary>
    public static string Path(string path, params string[] names)
    {
        for (var i = 0; i < names.Length; i++)
            path = path.Replace($"{{{i}}}", Uri.EscapeDataString(names[i]), StringComparison.Ordinal);
        return path;
    }

    public void Line(string text) => terminal.Out.WriteLine(Plain.Of(text));

    /// <summary>For people, beside the output.</summary>
    public void Note(string text) => terminal.Error.WriteLine(Plain.Of(text));

    /// <summary>The answer as JSON, or as people read it.</summary>
    public void Show(JsonNode answer, Action<JsonNode> forPeople)
    {
        if (IsJson)
            terminal.Out.WriteLine(JsonText.Of(answer));
        else
            forPeople(answer);
    }

    /// <summary>The answer as JSON, or one line about it.</summary>
    public int Done(JsonNode? answer, string text)
    {
        if (!IsJson)
            Line(text);
        else if (answer is not null)
            terminal.Out.WriteLine(JsonText.Of(answer));
        return ExitCode.Done;
    }

    /// <summary>The same daemon, for another tenant's objects; null: those of default.</summary>
    public DaemonClient DaemonOf(string? tenant)
    {
        if (tenant == Tenant)
            return Daemon;
        if (!_others.TryGetValue(tenant ?? "", out var client))
            _others[tenant ?? ""] = client = Daemon.As(tenant);
        return client;
    }

    public void Dispose()
    {
        _daemon?.Dispose();
        foreach (var other in _others.Values)
            other.Dispose();
    }

    private string? PathOrNull(string? path) => path is null ? null : terminal.PathOf(path);

    /// <summary>For what the daemon tells everybody: no key is looked for.</summary>
    public DaemonClient WithoutKey()
    {
        var (data, config) = Places;
        var (address, _) = Finder.Find(parsed.GetValue(CommonOptions.Server), data, config);
        return new(address, null, null, Patience, Clock);
    }

    private TimeSpan Patience => TimeSpan.FromSeconds(parsed.GetValue(CommonOptions.Timeout) ?? CommonOptions.DefaultTimeout);

    private DaemonClient Connect()
    {
        var (data, config) = Places;
        var (address, settings) = Finder.Find(parsed.GetValue(CommonOptions.Server), data, config);
        Settings = settings;
        var keys = new KeyFinder(terminal.Environment, terminal.In, terminal.IsInteractive ? AskKey : null);
        var file = parsed.GetValue(CommonOptions.KeyFile);
        var key = keys.Find(file is null or "-" ? file : terminal.PathOf(file), address, settings);

        // '*' is for lists, which name it in the query.
        return new(address, key, Tenant is "*" ? null : Tenant, Patience, Clock);
    }

    private string? AskKey()
    {
        terminal.Error.Write("Key: ");
        return terminal.ReadSecret();
    }
}
