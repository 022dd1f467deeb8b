using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The SDK's client without its retries, because the caller decides about those. One retry remains: when the local clock is off, the
/// client
/// corrects it by the store's clock.
/// </summary>
internal sealed class S3Client : AmazonS3Client
{
    public S3Client(AmazonS3Config settings)
        : base(settings) { }

    public S3Client(AWSCredentials keys, AmazonS3Config settings)
        : base(keys, settings) { }

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        base.CustomizeRuntimePipeline(pipeline);
        pipeline.ReplaceHandler<RetryHandler>(new RetryHandler(new OnlyForTheClock()));
    }

    // The base class detects a wrong clock before it calls these methods.
    private sealed class OnlyForTheClock() : StandardRetryPolicy(1)
    {
        public override bool RetryForException(IExecutionContext executionContext, Exception exception) => false;

        public override Task<bool> RetryForExceptionAsync(IExecutionContext executionContext, Exception exception) =>
            Task.FromResult(false);

        public override void WaitBeforeRetry(IExecutionContext executionContext) { }

        public override Task WaitBeforeRetryAsync(IExecutionContext executionContext) => Task.CompletedTask;
    }
}
