namespace MailProxy.Daemon.Presets;

/// <summary>What failed tests mean at the providers. Data; the order counts.</summary>
internal static class PresetTroubles
{
    private const string LogIn = "authenticate";

    public static readonly IReadOnlyList<PresetTrouble> Gmail =
    [
        new(
            LogIn,
            534,
            null,
            "Google wants an app password here, not the password of the account.",
            [
                "myaccount.google.com, Security: 2-step verification is on.",
                "myaccount.google.com/apppasswords: make one, and give it here. If the page is not there, an "
                    + "administrator of the Workspace has "
                    + "switched app passwords off.",
            ]
        ),
        new(
            LogIn,
            535,
            null,
            "Google does not accept address and app password.",
            [
                "The address is the whole address of the account in which the app password was made.",
                "Make a new app password at myaccount.google.com/apppasswords: an old one ends when the account's password changes.",
            ]
        ),
        new(
            LogIn,
            454,
            null,
            "Google has closed log-ins for a while, after too many of them.",
            ["Wait a quarter of an hour, then: mailproxy accounts test gmail"]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> Microsoft =
    [
        new(
            LogIn,
            null,
            @"AADSTS7000215|invalid_client",
            "Microsoft does not accept the client secret.",
            [
                "Entra admin centre, the app registration, Certificates & secrets: copy the Value of a secret, not its "
                    + "ID. A Value is shown only "
                    + "when it is made: make a new one.",
                "The secret has not ended: its date is on the same page.",
            ]
        ),
        new(
            LogIn,
            null,
            @"AADSTS90002|AADSTS900023|AADSTS700016|unauthorized_client|tenant",
            "Microsoft knows no such directory, or no such application in it.",
            ["Entra admin centre, the app registration, Overview: compare the directory (tenant) ID and the application (client) ID."]
        ),
        new(
            LogIn,
            535,
            @"5\.7\.139|SmtpClientAuthentication is disabled",
            "Authenticated SMTP is switched off for this mailbox or for the organisation.",
            [
                "Microsoft 365 admin centre, Users, the mailbox, Mail, Manage email apps: tick Authenticated SMTP.",
                "For the organisation, in Exchange Online PowerShell: Set-TransportConfig -SmtpClientAuthenticationDisabled $false.",
                "It takes up to an hour until it holds.",
            ]
        ),
        new(
            LogIn,
            535,
            null,
            "Microsoft gave a token, and the mailbox does not accept it.",
            [
                "Entra admin centre, API permissions: SMTP.SendAsApp of Office 365 Exchange Online is an application "
                    + "permission, with admin consent.",
                "Exchange Online PowerShell: Get-ServicePrincipal has the application, with the object ID of the "
                    + "enterprise application (not of "
                    + "the app registration).",
                "There: Get-MailboxPermission -Identity MAILBOX has FullAccess for it.",
                "Microsoft 365 admin centre, the mailbox, Mail, Manage email apps: Authenticated SMTP is ticked.",
            ]
        ),
        new(
            LogIn,
            550,
            @"5\.7\.30|basic auth",
            "Microsoft takes no passwords any more; this preset does not use one.",
            ["Make the account anew: mailproxy accounts add --preset microsoft --replace"]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> Ses =
    [
        new(
            LogIn,
            535,
            null,
            "Amazon SES does not accept user and password in this region.",
            [
                "SES console, in this very region: SMTP settings, Create SMTP credentials. An access key of AWS and its secret do not do.",
                "The IAM user of the credentials still exists and may do ses:SendRawEmail.",
            ]
        ),
        new(
            "connect",
            null,
            null,
            "The server of this region cannot be reached.",
            [
                "The region has SES: https://docs.aws.amazon.com/general/latest/gr/ses.html.",
                "From EC2 port 25 is closed; 587 and 465 are open unless a security group or network ACL closes them.",
            ]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> SendGrid =
    [
        new(
            LogIn,
            451,
            "credits",
            "The credits of the plan are used up; the key is right.",
            ["SendGrid, Settings, Account Details: raise the plan, or wait for the next period."]
        ),
        new(
            LogIn,
            null,
            null,
            "SendGrid does not accept the API key.",
            [
                "Settings, API Keys: the key is there and active, and has Mail Send.",
                "Settings, IP Access Management: this machine's address may use it.",
                "An account in the EU has a host of its own: --region eu.",
            ]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> Mailgun =
    [
        new(
            LogIn,
            535,
            null,
            "Mailgun does not accept login and password.",
            [
                "Sending, Domain settings, SMTP credentials: reset the password of this login, and give it here. The API key does not do.",
                "A domain in the EU has a host of its own: --region eu; one in the US: --region us.",
            ]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> Postmark =
    [
        new(
            LogIn,
            null,
            null,
            "Postmark does not accept the token.",
            [
                "Servers, your server, API Tokens: copy the server API token. The account API token does not do.",
                "Servers, your server, Settings: SMTP is enabled for it.",
            ]
        ),
    ];

    public static readonly IReadOnlyList<PresetTrouble> Brevo =
    [
        new(
            LogIn,
            525,
            null,
            "Brevo does not know the address of this machine.",
            ["Brevo, Security, Authorised IPs: add the address, or switch the check off for SMTP keys."]
        ),
        new(
            LogIn,
            null,
            null,
            "Brevo does not accept login and SMTP key.",
            [
                "SMTP & API, SMTP: compare the login, which need not be the address with which you sign in.",
                "There: Generate a new SMTP key. An API key and the password of the account do not do.",
                "A new account sends only after Brevo has activated SMTP for it: its support does that.",
            ]
        ),
    ];

    /// <summary>At any provider, where its own say nothing.</summary>
    public static readonly IReadOnlyList<PresetTrouble> Everywhere =
    [
        new(
            "connect",
            null,
            @"no such (host|name)|name or service|not known|resolve",
            "There is no server of this name, or names cannot be looked up from this machine.",
            ["Compare the host with the provider's documents.", "On this machine: getent hosts HOST"]
        ),
        new(
            "connect",
            null,
            null,
            "The server cannot be reached from this machine.",
            [
                "A firewall, or the provider of this machine, closes port 25 and sometimes 587: try 465 with tls.",
                "On this machine: nc -vz HOST PORT",
            ]
        ),
        new(
            "tls",
            null,
            @"certificate",
            "The server's certificate is not accepted.",
            [
                "The host is the name that the certificate is for; an address or an alias does not do.",
                "This machine has current root certificates (package ca-certificates) and the right time.",
                "A server of your own with a certificate of its own: verify_certificate false, with mailproxy accounts set.",
            ]
        ),
        new(
            "tls",
            null,
            null,
            "The connection cannot be protected as the account wants it.",
            ["Port 587 goes with security starttls, port 465 with tls."]
        ),
        new(
            "greeting",
            null,
            null,
            "The server answered, and turned us away before the log-in.",
            [
                "It may not want this machine's address, or its name: the setting Send:HelloName is a name of yours that resolves.",
                "Port 465 speaks TLS from the start: security tls.",
            ]
        ),
        new(
            LogIn,
            535,
            null,
            "The server does not accept user and password.",
            ["Compare the user: often the whole address, sometimes a name of its own.", "Give the password again: --replace."]
        ),
        new(LogIn, null, null, "The log-in failed.", ["What the server said stands above; the provider's documents say what it means."]),
    ];
}
