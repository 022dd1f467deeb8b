using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>How an upload is written on the wire, for stores that do not know all of it.</summary>
[TestFixture]
internal sealed class S3UploadTests
{
    private const int Large = 17_000_000;

    [TestCase(5_000, true, true)]
    [TestCase(5_000, false, false)]
    [TestCase(Large, true, true)]
    [TestCase(Large, false, false)]
    public async Task Put_ChunkedUploadOrNot_IsChunkedOrNot(int size, bool chunked, bool expected)
    {
        var store = new Recorder();
        await PutAsync(store, size, chunked);
        var bodies = store.Requests.Where(r => r.Method == "PUT").ToArray();
        Assert.That(bodies, Has.Length.EqualTo(size == Large ? 3 : 1));
        Assert.That(bodies.Select(r => r.Chunked), Is.All.EqualTo(expected));
    }

    [Test]
    public void Put_APartFails_WhatWasSentIsGivenUp()
    {
        var store = new Recorder { Fails = "partNumber=2" };
        Assert.That(() => PutAsync(store, Large, chunked: false), Throws.InstanceOf<AmazonServiceException>());
        Assert.That(store.Requests.Last() is { Method: "DELETE" } last && last.Query.Contains("uploadId=up"));
    }

    private static async Task PutAsync(Recorder store, int size, bool chunked)
    {
        var config = new VolumeConfig.S3("files", null, "us-east-1", new("http://store.example"), true, "AK", "secret", chunked);
        using var client = new AmazonS3Client(
            new BasicAWSCredentials("AK", "secret"),
            new AmazonS3Config
            {
                ServiceURL = "http://store.example",
                AuthenticationRegion = "us-east-1",
                ForcePathStyle = true,
                MaxErrorRetry = 0,
                HttpClientFactory = new Only(store),
                RequestChecksumCalculation = chunked ? RequestChecksumCalculation.WHEN_SUPPORTED : RequestChecksumCalculation.WHEN_REQUIRED,
            }
        );
        await S3Upload.PutAsync(client, config, "links/a", LinkRig.File(new byte[size]), CancellationToken.None);
    }

    private sealed class Only(Recorder recorder) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(recorder, disposeHandler: false);

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;
    }

    private sealed class Recorder : HttpMessageHandler
    {
        private readonly ConcurrentQueue<(string Method, string Query, bool Chunked)> _requests = [];

        public string? Fails { get; init; }

        public IEnumerable<(string Method, string Query, bool Chunked)> Requests => _requests;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is not null)
                await request.Content.CopyToAsync(Stream.Null, cancellationToken);
            var query = request.RequestUri!.Query;
            var hash = request.Headers.TryGetValues("x-amz-content-sha256", out var values) ? values.Single() : "";
            _requests.Enqueue((request.Method.Method, query, hash.StartsWith("STREAMING", StringComparison.Ordinal)));
            if (Fails is not null && query.Contains(Fails))
                return new(HttpStatusCode.InternalServerError)
                {
                    RequestMessage = request,
                    Content = Xml("<Error><Code>InternalError</Code></Error>"),
                };
            var answer = new HttpResponseMessage(request.Method == HttpMethod.Delete ? HttpStatusCode.NoContent : HttpStatusCode.OK)
            {
                RequestMessage = request,
            };
            answer.Headers.TryAddWithoutValidation("ETag", "\"e\"");
            answer.Content =
                request.Method != HttpMethod.Post
                    ? new ByteArrayContent([])
                    : Xml(
                        query.Contains("uploads")
                            ? "<InitiateMultipartUploadResult><UploadId>up</UploadId></InitiateMultipartUploadResult>"
                            : "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
                    );
            return answer;
        }

        private static StringContent Xml(string text) => new(text, Encoding.UTF8, "application/xml");
    }
}
