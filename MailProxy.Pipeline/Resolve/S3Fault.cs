using System.Collections.Frozen;
using System.Net;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// What an S3 store's error means for a mail that needs an object: decided by the store's error code, and by the HTTP status when the code
/// is
/// unknown. Pure.
/// </summary>
/// <remarks>
/// An error that a person can fix, at the store or here (keys, clock, region, quota), is <see cref="SourceFault.Down"/>: the mail is
/// deferred. An error of the object itself is a permanent failure.
/// </remarks>
internal static class S3Fault
{
    private static readonly FrozenDictionary<string, SourceFault> ByCode = new Dictionary<string, SourceFault>
    {
        // The object does not exist, and nothing suggests that it will.
        ["NoSuchKey"] = SourceFault.Gone,
        ["NoSuchVersion"] = SourceFault.Gone,
        ["NoSuchBucket"] = SourceFault.Gone,
        ["NoSuchUpload"] = SourceFault.Gone,
        ["NotFound"] = SourceFault.Gone,
        ["MethodNotAllowed"] = SourceFault.Gone, // the object is a delete marker

        // The object may not be read in its current state.
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

        // The clock is off.
        ["RequestTimeTooSkewed"] = SourceFault.Down,
        ["RequestExpired"] = SourceFault.Down,
        ["RequestInTheFuture"] = SourceFault.Down,

        // The keys are wrong or expired; the mail goes on once they are changed.
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

        // The endpoint or region is a wrong one.
        ["TemporaryRedirect"] = SourceFault.Down,
        ["PermanentRedirect"] = SourceFault.Down,
        ["Redirect"] = SourceFault.Down,
        ["IllegalLocationConstraintException"] = SourceFault.Down,
        ["IncorrectEndpoint"] = SourceFault.Down,

        // Temporary errors of the store: throttling, outages, quotas.
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

    /// <param name="code">The store's error code; null when it gave none.</param>
    public static SourceFault Of(string? code, HttpStatusCode status)
    {
        if (code is not null && ByCode.TryGetValue(code, out var known))
            return known;
        return (int)status switch
        {
            404 or 410 => SourceFault.Gone,
            >= 300 and < 400 or 401 or 407 or 408 or 409 or 425 or 429 or >= 500 => SourceFault.Down,
            >= 400 => SourceFault.Refused,
            _ => SourceFault.Down, // not an error by its status, so the store contradicts itself
        };
    }
}
