using MailProxy.Daemon.Hosting;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class WatchdogTimeTests
{
    [TestCase("60000000", null, 20)]
    [TestCase("60000000", "7", 20)]
    [TestCase("60000000", "8", null)]
    [TestCase("0", null, null)]
    [TestCase("-1", null, null)]
    [TestCase("soon", null, null)]
    [TestCase("", null, null)]
    [TestCase(null, null, null)]
    public void Of_WhatSystemdSays_IsAThirdOfItsPatience(string? microseconds, string? process, int? seconds) =>
        Assert.That(
            WatchdogTime.Of(microseconds, process, self: 7).Every,
            Is.EqualTo(seconds is { } s ? TimeSpan.FromSeconds(s) : (TimeSpan?)null)
        );
}
