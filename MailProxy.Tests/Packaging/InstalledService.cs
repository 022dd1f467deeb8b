using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>A machine with a real systemd, on which the service is installed from a tarball as the README says.</summary>
internal abstract class InstalledService
{
    private PublishedDaemon? _published;

    protected SystemdMachine Machine { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task InstallAsync()
    {
        _published = await PublishedDaemon.MakeAsync();
        Machine = await SystemdMachine.BootAsync(_published.Path);
        await Machine.ShellAsync(PackagingReadme.Block("install"));
    }

    [OneTimeTearDown]
    public async Task TearDownAsync()
    {
        if (Machine is not null)
            await Machine.DisposeAsync();
        _published?.Dispose();
    }
}
