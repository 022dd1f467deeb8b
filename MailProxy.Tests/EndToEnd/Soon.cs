using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>For what the daemon tells nobody, so that it has to be asked again: a gauge, a reason, a file that goes.</summary>
internal static class Soon
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Asks until the answer pleases and returns it; fails with the last answer after half a minute.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> ask, Func<T, bool> pleases)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (pleases(answer))
                return answer;
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
                Assert.Fail($"It still was: {answer}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }
}
