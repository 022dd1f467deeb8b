using System.Collections.Frozen;
using System.Net;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// What an S3 store's error means for the mail that wants an object: by the store's own code, and by the HTTP status where that says
/// nothing. Pure.
/// </summary>
/// <remarks>
/// What a person can put right at the store or here (keys, clock, region, quota) is down: the mail waits for him. What is wrong with
/// the object itself fails it.
/// </remarks>
internal static class S3Fault
{
    private static readonly FrozenDictionary<string, SourceFault> ByCode = new Dictionary<string, SourceFault>
    {
        // Nothing is there, and nobody says that anything will be.
        ["NoSuchKey"] = SourceFault.Gone,
        ["NoSuchVersion"] = SourceFault.Gone,
        ["NoSuchBucket"] = SourceFault.Gone,
        ["NoSuchUpload"] = SourceFault.Gone,
        ["NotFound"] = SourceFault.Gone,
        ["MethodNotAllowed"] = SourceFault.Gone, // the object is a delete marker

        // The object may not be read as it is.
        ["AccessDenied"] = SourceFault.Refused,
        ["AllAccessDisabled"] = SourceFault.Refused,
        ["InvalidObjectState"] = SourceFault.Refused, // archived: somebody has to restore it first
        ["KeyTooLongError"] = SourceFault.Refused,
        ["InvalidURI"] = SourceFault.Refused,
        ["InvalidBucketName"] = SourceFault.Refused,
        ["InvalidRequest"] = SourceFault.Refused,
        ["InvalidArgument"] = SourceFault.Refused,
        ["UnsupportedSignature"] = SourceFault.Refused,
        ["NotImplemented"] = SourceFault.Refused,

        // The clock.
        ["RequestTimeTooSkewed"] = SourceFault.Down,
        ["RequestExpired"] = SourceFault.Down,
        ["RequestInTheFuture"] = SourceFault.Down,

        // The keys: they are changed, and everything goes on.
        ["ExpiredToken"] = SourceFault.Down,
        ["ExpiredTokenException"] = SourceFault.Down,
        ["TokenRefreshRequired"] = SourceFault.Down,
        ["InvalidToken"] = SourceFault.Down,
        ["InvalidAccessKeyId"] = SourceFault.Down,
        ["UnrecognizedClientException"] = SourceFault.Down,
        ["InvalidClientTokenId"] = SourceFault.Down,
        ["SignatureDoesNotMatch"] = SourceFault.Down,
        ["InvalidSignatureException"] = SourceFault.Down,
        ["AuthFailure"] = SourceFault.Down,
        ["AuthorizationHeaderMalformed"] = SourceFault.Down,
        ["MissingAuthenticationToken"] = SourceFault.Down,
        ["CredentialsNotSupported"] = SourceFault.Down,
        ["AccountProblem"] = SourceFault.Down,
        ["NotSignedUp"] = SourceFault.Down,
        ["InvalidSecurity"] = SourceFault.Down,
        ["InvalidPayer"] = SourceFault.Down,
        ["OptInRequired"] = SourceFault.Down,

        // The place: another endpoint or region.
        ["TemporaryRedirect"] = SourceFault.Down,
        ["PermanentRedirect"] = SourceFault.Down,
        ["Redirect"] = SourceFault.Down,
        ["IllegalLocationConstraintException"] = SourceFault.Down,
        ["IncorrectEndpoint"] = SourceFault.Down,

        // It passes.
        ["SlowDown"] = SourceFault.Down,
        ["Throttling"] = SourceFault.Down,
        ["ThrottlingException"] = SourceFault.Down,
        ["ThrottledException"] = SourceFault.Down,
        ["RequestThrottled"] = SourceFault.Down,
        ["RequestThrottledException"] = SourceFault.Down,
        ["RequestLimitExceeded"] = SourceFault.Down,
        ["BandwidthLimitExceeded"] = SourceFault.Down,
        ["LimitExceededException"] = SourceFault.Down,
        ["TooManyRequests"] = SourceFault.Down,
        ["TooManyRequestsException"] = SourceFault.Down,
        ["EC2ThrottledException"] = SourceFault.Down,
        ["ProvisionedThroughputExceededException"] = SourceFault.Down,
        ["PriorRequestNotComplete"] = SourceFault.Down,
        ["InternalError"] = SourceFault.Down,
        ["InternalFailure"] = SourceFault.Down,
        ["InternalServerError"] = SourceFault.Down,
        ["ServiceUnavailable"] = SourceFault.Down,
        ["ServiceFailure"] = SourceFault.Down,
        ["Unavailable"] = SourceFault.Down,
        ["Busy"] = SourceFault.Down,
        ["RequestTimeout"] = SourceFault.Down,
        ["RequestTimeoutException"] = SourceFault.Down,
        ["OperationAborted"] = SourceFault.Down,
        ["ConditionalRequestConflict"] = SourceFault.Down,
        ["BucketNotReady"] = SourceFault.Down,
        ["ServerNotInitialized"] = SourceFault.Down,
        ["XMinioServerNotInitialized"] = SourceFault.Down,
        ["XMinioReadQuorum"] = SourceFault.Down,
        ["XMinioWriteQuorum"] = SourceFault.Down,
        ["XMinioStorageFull"] = SourceFault.Down,
        ["QuotaExceeded"] = SourceFault.Down,
        ["EntityTooLarge"] = SourceFault.Refused,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <param name="code">The store's own word, or null.</param>
    public static SourceFault Of(string? code, HttpStatusCode status)
    {
        if (code is not null && ByCode.TryGetValue(code, out var known))
            return known;
        return (int)status switch
        {
            404 or 410 => SourceFault.Gone,
            >= 300 and < 400 or 401 or 407 or 408 or 409 or 425 or 429 or >= 500 => SourceFault.Down,
            >= 400 => SourceFault.Refused,
            _ => SourceFault.Down, // no error by its status: a store that does not know what it says
        };
    }
}
