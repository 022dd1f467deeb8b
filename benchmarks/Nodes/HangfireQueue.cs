using System.Collections.Concurrent;
using System.Diagnostics;
using Hangfire;
using Hangfire.PostgreSql;
using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Support;
using MimeKit;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>The queue that a .NET team would use instead: Hangfire on the same PostgreSQL, whose jobs send with MailKit.</summary>
internal sealed class HangfireQueue : IDisposable
{
    private const int Enqueuers = 8;

    private static readonly string Text = TestMail.Text(2_000);

    private readonly DurableServer _server;
    private readonly SmtpSink _sink;
    private readonly PostgreSqlStorage _storage;
    private readonly BackgroundJobClient _client;
    private int _wanted;

    public HangfireQueue(DurableServer server, SmtpSink sink)
    {
        (_server, _sink) = (server, sink);
        GlobalConfiguration.Configuration.UseRecommendedSerializerSettings();
        _storage = new(
            new HangfireConnections(server.ConnectionString),
            new PostgreSqlStorageOptions { UseSlidingInvisibilityTimeout = true, QueuePollInterval = TimeSpan.FromSeconds(1) }
        );
        _client = new(_storage);
        HangfireMail.Port = sink.Port;
    }

    public static string Version => typeof(BackgroundJob).Assembly.GetName().Version!.ToString(3);

    /// <summary>As many as Hangfire takes by itself.</summary>
    public static int Workers => new BackgroundJobServerOptions().WorkerCount;

    public async Task<Rated> EnqueueAsync(int jobs)
    {
        var (meter, before, left) = (Meter.OfMyself(null), _server.Cpu, jobs);
        await Task.WhenAll(
            Enumerable
                .Range(0, Enqueuers)
                .Select(_ =>
                    Task.Run(() =>
                    {
                        while (Interlocked.Decrement(ref left) is >= 0 and var n)
                            _client.Enqueue<HangfireMail>(mail => mail.Send($"reader{n}@example.net", $"Your order {n}", Text));
                    })
                )
        );
        _wanted += jobs;
        return new(meter.Read(jobs), (_server.Cpu - before) * 1e6 / jobs);
    }

    public async Task<Rated> DrainAsync(int jobs)
    {
        var (meter, before) = (Meter.OfMyself(_sink.Id), _server.Cpu);
        using var workers = new BackgroundJobServer(new BackgroundJobServerOptions(), _storage);
        await using var look = new NpgsqlConnection($"{_server.ConnectionString};Pooling=false");
        await look.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM hangfire.job WHERE statename = 'Succeeded'", look);
        var begun = Stopwatch.GetTimestamp();
        while (HangfireMail.Sent < _wanted || (long)(await command.ExecuteScalarAsync())! < _wanted)
        {
            if (Stopwatch.GetElapsedTime(begun) > TimeSpan.FromMinutes(10))
                throw new TimeoutException("Hangfire has not sent everything within ten minutes.");
            await Task.Delay(50);
        }

        return new(meter.Read(jobs), (_server.Cpu - before) * 1e6 / jobs);
    }

    public void Dispose() => HangfireMail.Close();
}

internal sealed class HangfireConnections(string connectionString) : IConnectionFactory
{
    public NpgsqlConnection GetOrCreateConnection() => new(connectionString);
}

/// <summary>The job. Public, as Hangfire wants it.</summary>
public sealed class HangfireMail
{
    private static readonly ConcurrentBag<SmtpClient> Idle = [];
    private static int _sent;

    internal static int Port { get; set; }

    internal static int Sent => Volatile.Read(ref _sent);

    public void Send(string to, string subject, string text)
    {
        if (!Idle.TryTake(out var client))
        {
            client = new();
            client.Connect("127.0.0.1", Port, SecureSocketOptions.None);
        }

        using var message = new MimeMessage();
        message.From.Add(MailboxAddress.Parse(TestMail.From));
        message.To.Add(MailboxAddress.Parse(to));
        message.Subject = subject;
        message.Body = new TextPart("plain") { Text = text };
        client.Send(message);
        Idle.Add(client);
        Interlocked.Increment(ref _sent);
    }

    internal static void Close()
    {
        while (Idle.TryTake(out var client))
            client.Dispose();
    }
}
