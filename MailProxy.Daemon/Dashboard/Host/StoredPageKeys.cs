using System.Xml.Linq;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Keeps the keys that the page's cookies are sealed with in the store. Rarely asked: the page has them in memory.</summary>
internal sealed class StoredPageKeys(IPageKeys keys) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements() => [.. keys.AllAsync().GetAwaiter().GetResult().Select(XElement.Parse)];

    public void StoreElement(XElement element, string friendlyName) =>
        keys.AddAsync(friendlyName, element.ToString(SaveOptions.DisableFormatting)).GetAwaiter().GetResult();
}
