using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>
/// For what nobody tells, so that it has to be asked again: a gauge, a reason, a file that goes, a port of somebody else's program. The one
/// place where a test waits by the clock.
/// </summary>
internal static class Eventually
{
    /// <summary>How long it is asked at the most, unless the caller says otherwise.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks until the answer pleases and returns it; fails with the last answer when it did not within the bound.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> ask, Func<T, bool> pleases, TimeSpan? within = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (pleases(answer))
                return answer;
            if (TimeProvider.System.GetElapsedTime(began) > (within ?? Bound))
                Assert.Fail($"It still was: {answer}");
            await Task.Delay(Pause, TimeProvider.System);
        }
    }
}
