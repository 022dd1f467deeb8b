using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

/// <summary>
/// A name that leads inside and a name that leads nowhere are told alike, so that no tenant finds out by asking which names there are
/// inside.
/// </summary>
public sealed class NoSuchNameTests
{
    private static readonly Func<IPAddress[]>[] Answers =
    [
        () => [IPAddress.Parse("10.1.2.3")],
        () => [IPAddress.Parse("fd00::1"), IPAddress.Parse("192.168.0.1")],
        () => [],
        () => throw new SocketException((int)SocketError.HostNotFound),
        () => throw new SocketException((int)SocketError.TryAgain),
        () => throw new SocketException((int)SocketError.NoData),
        () => throw new ArgumentException("The name is no name."),
    ];

    private static Dialer Dialer(Func<IPAddress[]> answer) =>
        new(
            NetworkPolicy.PublicOnly,
            async (_, _) =>
            {
                await Task.Yield();
                return answer();
            }
        );

    [Test]
    public async Task Webhook_IsToldAlike()
    {
        var told = new List<string?>();
        foreach (var answer in Answers)
        {
            using var http = Dialer(answer).HttpClient();
            var endpoint = new WebhookEndpoint(
                "acme",
                "w",
                "http://name.example/",
                WebhookSignature.NewSecret(),
                [],
                false,
                1,
                false,
                new(0)
            );
            told.Add((await new WebhookProbe(http, new(), TimeProvider.System).TryAsync(endpoint, CancellationToken.None)).Error);
        }

        Assert.That(told, Is.All.EqualTo(told[0]).And.All.Contains("name.example").And.All.Not.Contains("10.1.2.3"));
    }

    [Test]
    public async Task Source_IsToldAlike()
    {
        var told = new List<(SourceFault, string, string)>();
        foreach (var answer in Answers)
        {
            using var http = Dialer(answer).HttpClient();
            var fetch = new HttpFetch(http, new(), TimeProvider.System);
            var fault = Assert.ThrowsAsync<SourceException>(() =>
                fetch.OpenAsync(new(new("http://name.example/f"), null, "place"), CancellationToken.None).WaitAsync(SourceBench.Deadline)
            )!;
            told.Add((fault.Fault, fault.Status, fault.Message));
        }

        Assert.That(told, Is.All.EqualTo(told[0]));
        await Task.CompletedTask;
    }

    [TestCase("s3")]
    [TestCase("http")]
    public async Task VolumeTest_IsToldAlike(string backend)
    {
        var told = new List<(bool, int?, string?, string?)>();
        foreach (var answer in Answers)
        {
            using var probe = new VolumeProbe(Dialer(answer), new(), TimeProvider.System);
            VolumeConfig config =
                backend == "s3"
                    ? new VolumeConfig.S3("bucket", null, "eu-x", new("http://name.example/"), true, "a", "b", true)
                    : new VolumeConfig.Http(new("http://name.example/"), new SourceAuth.Bearer("t"));
            var test = await probe.TestAsync(
                new()
                {
                    Tenant = "acme",
                    Id = "v",
                    Config = config,
                },
                null,
                CancellationToken.None
            );
            told.Add((test.Ok, test.Status, test.Code, test.Error));
        }

        Assert.That(told, Is.All.EqualTo(told[0]));
        Assert.That(told[0].Item3, Is.EqualTo("refused"));
    }

    [Test]
    public async Task SmtpOfATenant_IsToldAlike([Values("localhost", "nobody.invalid")] string host)
    {
        var fault = Assert.ThrowsAsync<AddressRefusedException>(() =>
            new Dialer(NetworkPolicy.PublicOnly).AddressesAsync(host, CancellationToken.None)
        )!;

        Assert.That(fault.Message.Replace(host, "*", StringComparison.Ordinal), Is.EqualTo(new AddressRefusedException("*").Message));
        await Task.CompletedTask;
    }
}
