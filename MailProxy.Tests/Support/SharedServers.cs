using MailProxy.Tests.Support;
using NUnit.Framework;

/// <summary>Ends what tests share, when the last of them is over. Without a namespace, so that it stands around all.</summary>
[SetUpFixture]
internal sealed class SharedServers
{
    [OneTimeTearDown]
    public void End() => PostgresServer.EndShared();
}
