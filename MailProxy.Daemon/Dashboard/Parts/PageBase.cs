using MailProxy.Daemon.Dashboard.Host;
using MailProxy.Daemon.Dashboard.Model;
using Microsoft.AspNetCore.Components;

namespace MailProxy.Daemon.Dashboard.Parts;

/// <summary>What every view has: who looks at it, at which tenant, and the API.</summary>
public abstract class PageBase : ComponentBase
{
    [Inject]
    private protected PageApi Api { get; set; } = null!;

    [Inject]
    private protected Session Session { get; set; } = null!;

    /// <summary>The tenant that an admin looks at; null: all in lists, the default one otherwise.</summary>
    [SupplyParameterFromQuery(Name = "tenant")]
    protected string? Tenant { get; set; }

    private protected SignedIn Who { get; private set; } = new("", "", "", new HashSet<string>(), null);

    protected sealed override async Task OnParametersSetAsync()
    {
        if (await Session.WhoAsync() is { } who)
            Who = who;
        Api.Tenant = Who.IsAdmin && Tenant != "*" ? Tenant : null;
        await LoadAsync();
    }

    /// <summary>Asks for what the view shows.</summary>
    protected abstract Task LoadAsync();

    /// <summary>The address of a view, of the tenant that is looked at.</summary>
    protected string To(string path, string? tenant = null) => LocalPath.With(path, ("tenant", Who.IsAdmin ? tenant ?? Tenant : null));

    /// <summary>The tenant parameter of lists: an admin sees all unless one is chosen.</summary>
    protected string ListTenant => Who.IsAdmin ? Tenant ?? "*" : Who.Tenant;
}
