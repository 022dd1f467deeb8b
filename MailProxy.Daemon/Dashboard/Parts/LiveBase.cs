using MailProxy.Daemon.Dashboard.Host;
using Microsoft.AspNetCore.Components;

namespace MailProxy.Daemon.Dashboard.Parts;

/// <summary>A part of a view that shows what is true now for as long as somebody looks at it.</summary>
public abstract class LiveBase : ComponentBase, IAsyncDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private Task _looking = Task.CompletedTask;

    [Inject]
    private protected PageApi Api { get; set; } = null!;

    [Inject]
    private protected Session Session { get; set; } = null!;

    [Inject]
    private TimeProvider Clock { get; set; } = null!;

    [Parameter]
    public string? Tenant { get; set; }

    /// <summary>How often it looks.</summary>
    protected virtual TimeSpan Every => TimeSpan.FromSeconds(2);

    private protected SignedIn? Who { get; private set; }

    private protected DateTime Now => Clock.GetUtcNow().UtcDateTime;

    /// <summary>Asks for what the part shows. False: it will not change any more.</summary>
    protected abstract Task<bool> LookAsync(CancellationToken gone);

    protected sealed override async Task OnInitializedAsync()
    {
        Who = await Session.WhoAsync();
        Api.Tenant = Who is { IsAdmin: true } && Tenant != "*" ? Tenant : null;
        var gone = _gone.Token;
        if (await LookAsync(gone) && RendererInfo.IsInteractive && !gone.IsCancellationRequested)
            _looking = LookOnAsync(gone);
    }

    private async Task LookOnAsync(CancellationToken gone)
    {
        using var timer = new PeriodicTimer(Every, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(gone))
            {
                var more = true;
                await InvokeAsync(async () => more = await LookAsync(gone));
                await InvokeAsync(StateHasChanged);
                if (!more)
                    return;
            }
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // Nobody looks any more.
        }
        catch (Exception error)
        {
            // As of any other step of the part's life: told now, and not when somebody leaves.
            await DispatchExceptionAsync(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _looking;
        _gone.Dispose();
        GC.SuppressFinalize(this);
    }
}
