using MailProxy.Daemon.Hosting;
using NUnit.Framework;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class LogLineTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 28, 16, 41, 33, 123, TimeSpan.FromHours(2));

    [Test]
    public void Format_AnEvent_HasTheDateInUtcLevelAndPlace() =>
        Assert.That(
            Lines(syslog: false, LogEventLevel.Warning, "The server {Host} said {Reply}", "smtp.example", "421 busy"),
            Is.EqualTo(new[] { "2026-11-28T14:41:33.123Z WRN Here: The server smtp.example said 421 busy" })
        );

    [Test]
    public void Format_WhatOthersSay_BeginsNoLineOfItsOwn() =>
        Assert.That(
            Lines(syslog: true, LogEventLevel.Information, "It said {Reply}", "450 a\r\n<2>2026-11-28T14:41:33.123Z FTL forged\u001b[31m"),
            Is.EqualTo(
                new[] { "<6>2026-11-28T14:41:33.123Z INF Here: It said 450 a\\r\\n<2>2026-11-28T14:41:33.123Z FTL forged\\u001b[31m" }
            )
        );

    [TestCase(LogEventLevel.Verbose, "<7>")]
    [TestCase(LogEventLevel.Debug, "<7>")]
    [TestCase(LogEventLevel.Information, "<6>")]
    [TestCase(LogEventLevel.Warning, "<4>")]
    [TestCase(LogEventLevel.Error, "<3>")]
    [TestCase(LogEventLevel.Fatal, "<2>")]
    public void Format_ForTheJournal_EveryLineHasItsPriority(LogEventLevel level, string priority)
    {
        var fault = Thrown(() => throw new InvalidOperationException("first\nsecond"));
        Assert.That(Lines(syslog: true, level, "Trouble", fault), Has.Length.GreaterThan(2).And.All.StartWith(priority));
        Assert.That(Lines(syslog: false, level, "Trouble", fault)[1..], Has.All.StartWith("    "));
    }

    [Test]
    public void Format_AnException_NamesNoDirectoryOfTheBuild()
    {
        var fault = Thrown(() => ListenAddressesAttribute.Split(null!));
        Assert.That(
            string.Join('\n', Lines(syslog: false, LogEventLevel.Error, "Trouble", fault)),
            Does.Contain(" in /_/MailProxy.Daemon/Hosting/ListenAddressesAttribute.cs:line")
        );
    }

    [Test]
    public void SyslogPrefixed_Json_IsAnObjectBehindItsPriority()
    {
        using var text = new StringWriter();
        new SyslogPrefixed(new CompactJsonFormatter()).Format(Event(LogEventLevel.Error, "Trouble"), text);
        Assert.That(text.ToString(), Does.StartWith("<3>{\"@t\":\"2026-11-28T"));
    }

    [TestCase(null, null, "pipe:[7]", false, false)]
    [TestCase(null, "8f14e45f", "pipe:[7]", false, true)]
    [TestCase(null, "8f14e45f", "/var/log/mailproxy.log", false, false)]
    [TestCase(null, "8f14e45f", "/dev/pts/3", false, false)]
    [TestCase("8:4711", null, "socket:[4711]", true, true)]
    [TestCase("8:4711", "8f14e45f", "socket:[4711]", true, true)]
    [TestCase("8:4711", "8f14e45f", "socket:[4712]", false, false)]
    [TestCase("8:4711", "8f14e45f", "/var/log/mailproxy.log", false, false)]
    [TestCase("8:4711", "8f14e45f", null, false, false)]
    public void Journal_Of_IsTheOneWhoseStreamIsOurOutput(string? stream, string? invocation, string? output, bool proven, bool likely) =>
        Assert.That(Journal.Of(stream, invocation, output), Is.EqualTo(new Journal(proven, likely)));

    private static Exception Thrown(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            return error;
        }

        throw new InvalidOperationException("It did not throw.");
    }

    private static string[] Lines(bool syslog, LogEventLevel level, string template, params object[] values)
    {
        using var text = new StringWriter();
        new LogLine(syslog).Format(Event(level, template, values), text);
        return text.ToString().TrimEnd('\n').Split('\n');
    }

    private static LogEvent Event(LogEventLevel level, string template, params object[] values)
    {
        var seen = new Catch();
        var logger = new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .WriteTo.Sink(seen)
            .CreateLogger()
            .ForContext(Constants.SourceContextPropertyName, "Here");
        if (values is [Exception fault])
            logger.Write(level, fault, template);
        else
            logger.Write(level, template, values);
        return new(
            At,
            level,
            seen.Last!.Exception,
            seen.Last.MessageTemplate,
            seen.Last.Properties.Select(p => new LogEventProperty(p.Key, p.Value))
        );
    }

    private sealed class Catch : ILogEventSink
    {
        public LogEvent? Last { get; private set; }

        public void Emit(LogEvent logEvent) => Last = logEvent;
    }
}
