using System.Net;
using System.Text;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Architecture;

/// <summary>The engine on a real store of which every call may fail, with a mail that needs all of it.</summary>
internal sealed class EveryLoopRig : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    private readonly TemporaryStore _files = new();
    private readonly TempDirectory _volume = new();
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly ScriptedSmtpServer _server = new();
    private readonly CurrentAccounts _accounts = new();
    private readonly CurrentVolumes _volumes = new();
    private readonly FaultyCalls _calls;
    private readonly SqlDeliveryLog _log;
    private LoopbackFiles _source = null!;
    private LargeFileService _links = null!;
    private bool _posted;
    private int _rounds;

    private EveryLoopRig(FaultyCalls calls)
    {
        _calls = calls;
        _log = new(_files.Database, _files.Box, _clock);
    }

    public MailPipeline Pipeline { get; private set; } = null!;

    public bool IsAllDone { get; private set; }

    public string State { get; private set; } = "";

    public static async Task<EveryLoopRig> StartAsync(FaultyCalls calls)
    {
        var rig = new EveryLoopRig(calls);
        await rig.BuildAsync();
        return rig;
    }

    /// <summary>Lets time pass until it holds.</summary>
    public async Task UntilAsync(Func<bool> holds, Func<string> state)
    {
        await Eventually.BecomesAsync(StepAsync, _ => holds(), Deadline);

        async Task<string> StepAsync()
        {
            if (Pipeline.Completion.IsFaulted)
                await Pipeline.Completion;
            await LookAsync();
            if (IsAllDone && ++_rounds % 100 == 1)
                _clock.Advance(TimeSpan.FromHours(25)); // the links' time is over
            await PostAsync();
            Pipeline.RunNow(); // so that nothing waits for its own look at the clock, and what has expired is asked for
            _clock.Advance(TimeSpan.FromSeconds(5));
            return state();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Pipeline.StopAsync().WaitAsync(Deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Pipeline.DisposeAsync();
        _links.Dispose();
        await _source.DisposeAsync();
        await _server.DisposeAsync();
        _files.Dispose();
        _volume.Dispose();
    }

    private async Task BuildAsync()
    {
        _source = await LoopbackFiles.StartAsync();
        _source.Answer = context =>
            Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response, new string('x', 20_000));
        var dialer = new Dialer(
            new(new() { Allowed = ["127.0.0.1"] }),
            async (_, _) =>
            {
                await _calls.MeetAsync("Dns.GetHostAddressesAsync");
                return [IPAddress.Loopback];
            }
        );
        var store = new SqlMessageStore(_files.Database, _files.Spool, ContentHash.Of, _clock, NullLogger<SqlMessageStore>.Instance);
        var links = await SqlLinkStore.OpenAsync(_files.Database, _files.Box);
        await ConfigureAsync(links);

        var faultyLinks = FaultyProxy<ILinkStore>.Around(links, _calls);
        _links = new(faultyLinks, _volumes, dialer, new("https://mail.example/"), _clock, NullLoggerFactory.Instance);
        var options = new PipelineOptions
        {
            Resolve = new() { FirstByteTimeout = TimeSpan.FromHours(1), StallTimeout = TimeSpan.FromHours(1) }, // time flies here
            Report = new()
            {
                SourceSeconds = "5",
                PostponeSeconds = "5",
                WebhookTimeout = TimeSpan.FromMinutes(5),
            },
        };
        var patient = options.Send.Timeouts;
        patient.Connect = patient.Handshake = patient.Greeting = patient.Command = patient.Mail = patient.Recipient = TimeSpan.FromHours(1);
        patient.DataInitiation = patient.DataBlock = patient.DataTermination = TimeSpan.FromHours(1);
        Pipeline = new(
            options,
            new(
                FaultyProxy<IMessageStore>.Around(store, _calls),
                FaultyProxy<IMarks>.Around(store, _calls),
                FaultyProxy<IDeliveryLog>.Around(_log, _calls),
                FaultyProxy<IRetentionStore>.Around(new SqlRetentionStore(_files.Database, _files.Spool), _calls),
                _accounts,
                key => key.ToString(),
                _files.Spool,
                new HttpMessageInvoker(new Hooks(_calls, Named)),
                dialer,
                new PipelineHealth(),
                new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()),
                _clock,
                () => 0.5,
                NullLoggerFactory.Instance
            )
            {
                Volumes = _volumes,
                Links = _links,
                Destinations = FaultyProxy<IDestinationUses>.Around(new SqlDestinationUses(_files.Database), _calls),
                SecretWarnings = FaultyProxy<ISecretWarnings>.Around(new SqlSecretWarnings(_files.Database), _calls),
                Circuits = FaultyProxy<ICircuitStore>.Around(new SqlCircuitStore(_files.Database, NullLogger.Instance), _calls),
                CacheDirectory = Path.Combine(_files.Path, "cache"),
            }
        );
        await Pipeline.StartAsync(suspended: false);
    }

    private async Task ConfigureAsync(SqlLinkStore links)
    {
        var accounts = new SqlConfigurationStore(_files.Database, _files.Box, _clock);
        await accounts.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 0,
                Host = "127.0.0.1",
                Port = _server.Port,
                Security = SmtpSecurity.None,
                LargeFiles = new(1_000, LargeFileAction.Link, "files", 1),
            },
            "test"
        );
        _accounts.Swap(new([.. await accounts.AccountsAsync()], null));
        _server.Say("CONNECT", "421 4.3.2 Not now"); // so that an account's trouble is told too
        Volume[] volumes =
        [
            new()
            {
                Tenant = "default",
                Id = "files",
                AdminSet = true,
                Config = new VolumeConfig.Local(_volume),
            },
            new()
            {
                Tenant = "default",
                Id = "away",
                AdminSet = true,
                Config = new VolumeConfig.S3("bucket", null, "eu-x", new($"http://s3.example:{FreePort.Take()}/"), true, "a", "b", true),
            },
        ];
        _volumes.Swap(new(volumes));

        // One that is due and cannot be removed.
        var lost = await links.ReserveAsync(
            new("default", "default", "away", LinkAddress.Location(volumes[1].Config), new byte[32], 1),
            LinkAddress.NewKey("default"),
            Now + 1_000,
            Now
        );
        await links.UploadedAsync(lost.Number);

        WebhookEndpoint events = new(
            "default",
            "events",
            "http://hook.example/events",
            WebhookSignature.NewSecret(),
            [],
            false,
            1,
            false,
            new(0)
        );
        var configuration = new SqlConfigurationStore(_files.Database, _files.Box, _clock);
        await configuration.PutEndpointAsync(events, "test");
        foreach (var style in new[] { ReportStyle.Sync, ReportStyle.Genro })
        {
            var id = style.ToString().ToLowerInvariant();
            await configuration.PutEndpointAsync(
                events with
                {
                    Id = id,
                    Url = $"http://hook.example/{id}",
                    Style = style,
                    MaxBatch = 10,
                },
                "test"
            );
        }
    }

    // The store's call may be refused, and then the client sends it again.
    private async Task PostAsync()
    {
        if (_posted)
            return;
        var json = Encoding.UTF8.GetBytes(
            $$"""
            {"id":"m1","account":"main","from":"a@example.com","to":"b@example.org","text":"x","attachments":[{"filename":"f.bin","source":"http://files.example:{{_source.Port}}/f"}]}
            """
        );
        var submission = new Submission("default", [DraftBinder.BindOne(json)], null);
        await Pipeline.Submissions.WriteAsync(submission);
        if (await submission.Answer.WaitAsync(Deadline) is SubmissionAnswer.Stored stored)
        {
            Assert.That(stored.Lines[0].Problem, Is.Null);
            _posted = true;
        }
    }

    // The sync endpoint names the message in error until the log was asked for it again. A number of calls would not do: the first
    // ones go out before the message has an event, and a lane that could not keep its progress tells it anew.
    private string Named() => _calls.Passed("IDeliveryLog.AtAsync") ? """{"ok":true}""" : """{"ok":true,"error":["m1"]}""";

    private async Task LookAsync()
    {
        var endpoints = await _log.EndpointsAsync();
        var left = Directory.EnumerateFiles(_volume, "*", SearchOption.AllDirectories).Count();
        var (told, _) = await _log.ReadAsync("default", 0, 100);
        var progress = endpoints.Select(one => $"{one.Id}: {one.Progress.Acknowledged} {one.Progress.LastError}");
        State =
            $"{string.Join(" ", told.Select(one => one.Type))}; {string.Join(" | ", _server.Journal)}; "
            + $"mails {_server.Mails.Count}, events {_log.Last}, files left {left}, {string.Join(", ", progress)}";
        IsAllDone =
            !_server.Mails.IsEmpty
            && endpoints.All(one => one.Progress is { DisabledAt: null, Failures: 0 } progress && progress.Acknowledged == _log.Last);
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class Hooks(FaultyCalls calls, Func<string> answer) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await calls.MeetAsync("Http.SendAsync");
            return new(HttpStatusCode.OK) { Content = new StringContent(request.RequestUri!.AbsolutePath == "/sync" ? answer() : "") };
        }
    }
}
