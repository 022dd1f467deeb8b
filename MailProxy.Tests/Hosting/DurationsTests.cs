using System.Globalization;
using CsCheck;
using MailProxy.Daemon.Hosting;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class DurationsTests
{
    [TestCase("00:00:30", 30)]
    [TestCase("24:00:00", 86_400)]
    [TestCase("25:30:00", 91_800)]
    [TestCase("720:00:00", 2_592_000)]
    [TestCase("1.00:00:00", 86_400)]
    [TestCase("5.23:59:59", 518_399)]
    [TestCase("1:02:03", 3_723)]
    [TestCase("00:00:00.1", 0.1)]
    [TestCase(" 00:00:05 ", 5)]
    public void TryParse_HoursOrDays_AreWhatTheySay(string text, double seconds)
    {
        Assert.That(Durations.TryParse(text, out var time));
        Assert.That(time, Is.EqualTo(TimeSpan.FromSeconds(seconds)));
    }

    // .NET takes the first for ten days, the second for an hour and a half, the third for one day and twelve hours.
    [TestCase("10")]
    [TestCase("1:30")]
    [TestCase("1.12")]
    [TestCase("1.24:00:00")]
    [TestCase("1:1:00:00")]
    [TestCase("00:60:00")]
    [TestCase("00:00:60")]
    [TestCase("-00:00:01")]
    [TestCase("00:00:00.00000001")]
    [TestCase("999999999:00:00")]
    [TestCase("٠٠:٠٠:٣٠")]
    [TestCase("30s")]
    [TestCase("00:00:30\n1")]
    [TestCase("")]
    public void TryParse_WhatMayMeanTwoThings_IsRefused(string text) => Assert.That(Durations.TryParse(text, out _), Is.False);

    [Test]
    public void TryParse_AnyTime_IsReadBackBothWays() =>
        Gen.Long[0, TimeSpan.MaxValue.Ticks]
            .Sample(ticks =>
            {
                var time = TimeSpan.FromTicks(ticks);
                var inHours = string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss\\.fffffff}");
                return Durations.TryParse(Durations.Write(time), out var again)
                    && again == time
                    && Durations.TryParse(inHours, out var hours)
                    && hours == time;
            });

    [Test]
    public void Settings_EveryTime_TakesHoursBeyondTwentyThree()
    {
        foreach (var setting in Setting.All.Where(s => s.Property.PropertyType == typeof(TimeSpan)))
        {
            var time = (TimeSpan)setting.Default!;
            var text = string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss}");
            var (settings, mistakes) = SettingsReader.Read(
                [$"--{setting.Path}={text}"],
                AppContext.BaseDirectory,
                "/nonexistent/appsettings.json",
                new Dictionary<string, string>()
            );
            Assert.That(mistakes, Is.Empty);
            Assert.That(ShippedSettingsTests.Value(settings!, setting.Path), Is.EqualTo(time), setting.Path);
        }
    }
}
