using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class ShownUrlTests
{
    [TestCase("https://hook.example/a", "https://hook.example/a")]
    [TestCase("https://hook.example/a?", "https://hook.example/a?")]
    [TestCase("https://hook.example/a?token=secret", "https://hook.example/a?token=***")]
    [TestCase("https://hook.example/a?secret", "https://hook.example/a?***")]
    [TestCase("https://hook.example/a?a=1&b&c=x=y&", "https://hook.example/a?a=***&***&c=***&")]
    public void Of_Query_ShowsNamesOnly(string url, string shown) => Assert.That(ShownUrl.Of(url), Is.EqualTo(shown));

    [TestCase("https://h.example/?k=***", "https://h.example/?k=1", "https://h.example/?k=1")]
    [TestCase("https://h.example/?k=2", "https://h.example/?k=1", "https://h.example/?k=2")]
    [TestCase("https://other.example/?k=***", "https://h.example/?k=1", "https://other.example/?k=***")]
    [TestCase("https://h.example/?k=2", null, "https://h.example/?k=2")]
    [TestCase(null, "https://h.example/?k=1", null)]
    public void Kept_WhatWasShown_MeansWhatIsThere(string? written, string? existing, string? kept) =>
        Assert.That(ShownUrl.Kept(written, existing), Is.EqualTo(kept));
}
