using MailProxy.Tests.Support;

namespace MailProxy.Tests.Send.Servers;

/// <summary>Postfix: access maps by sender and recipient, asked at the command that they are about.</summary>
internal sealed class PlayingPostfix : PlayingServer
{
    private static readonly string[] Codes = ["421", "450", "451", "550", "554"];

    private PostfixInstance? _postfix;

    private static string Settings =>
        $"""
            smtpd_delay_reject = no
            smtpd_error_sleep_time = 0
            smtpd_sender_restrictions = check_sender_access {Map("mail")}
            smtpd_recipient_restrictions = check_recipient_access {Map("rcpt")}, permit_mynetworks, reject
            smtpd_data_restrictions = check_sender_access {Map("data")}
            smtpd_end_of_data_restrictions = check_sender_access {Map("dot")}

            """;

    public override async Task<Stage> PlayAsync(string phase, string reply)
    {
        _postfix ??= await PostfixInstance.StartAsync(Settings);
        var player = $"{phase.ToLowerInvariant()}{reply}@play.test";
        return reply == Ordinary ? new(_postfix.Port, "a@x.test", "bob@y.test")
            : phase == "RCPT" ? new(_postfix.Port, "a@x.test", player)
            : new(_postfix.Port, player, "bob@y.test");
    }

    public override async ValueTask DisposeAsync()
    {
        if (_postfix is not null)
            await _postfix.DisposeAsync();
    }

    private static string Map(string phase) =>
        $"inline:{{ {string.Join(", ", Codes.Select(code => $"{{ {phase}{code}@play.test = {code} {code[0]}.7.1 played }}"))} }}";
}
