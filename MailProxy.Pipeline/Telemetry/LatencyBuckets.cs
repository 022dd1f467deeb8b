namespace MailProxy.Pipeline.Telemetry;

/// <summary>The bounds of histograms of times, in seconds: from a local reply to a day of retries.</summary>
internal static class LatencyBuckets
{
    public static readonly double[] Seconds =
    [
        .001,
        .002,
        .005,
        .01,
        .02,
        .05,
        .1,
        .25,
        .5,
        1,
        2.5,
        5,
        10,
        30,
        60,
        300,
        1800,
        3600,
        14400,
        86400,
    ];
}
