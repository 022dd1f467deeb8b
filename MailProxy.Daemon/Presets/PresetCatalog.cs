using static MailProxy.Daemon.Presets.PresetFields;

namespace MailProxy.Daemon.Presets;

/// <summary>The presets that there are: data of providers, from docs/guide/accounts-and-providers.md. No I/O.</summary>
internal static class PresetCatalog
{
    private const string Guid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

    public static readonly IReadOnlyList<Preset> All =
    [
        new(
            "gmail",
            "Gmail and Google Workspace",
            "https://myaccount.google.com/security",
            [
                "Turn on 2-step verification for the Google account: myaccount.google.com, Security.",
                "Make an app password: myaccount.google.com/apppasswords. The password of the account itself is refused.",
            ],
            [
                Mail(Address, "Gmail address", "The whole address; mail is sent from it."),
                SecretOf(
                    "App password",
                    "16 letters, from myaccount.google.com/apppasswords.",
                    "[a-z]{16}",
                    "an app password has 16 small letters."
                ) with
                {
                    Clean = static text => WithoutBlanks(text).ToLowerInvariant(),
                },
            ],
            static v =>
                PresetAccounts
                    .Of("smtp.gmail.com", v[Address], v[Password], v[Address])
                    .With("limits", PresetAccounts.Limits(perDay: IsFreeGmail(v[Address]) ? 500 : 2_000, messages: true))
                    .With("max_connections", 5)
                    .With("max_messages_per_connection", 50),
            PresetTroubles.Gmail
        ),
        new(
            "microsoft",
            "Microsoft 365",
            "https://entra.microsoft.com",
            [
                "Entra admin centre, App registrations, New registration. Its overview has the directory (tenant) ID and the client ID.",
                "There: API permissions, Add, APIs my organization uses, Office 365 Exchange Online, Application "
                    + "permissions, SMTP.SendAsApp; "
                    + "then Grant admin consent.",
                "There: Certificates & secrets, New client secret. Copy its Value, not its ID; it is shown once.",
                "Exchange Online PowerShell: New-ServicePrincipal -AppId CLIENT-ID -ObjectId OBJECT-ID-OF-THE-ENTERPRISE-APPLICATION, then "
                    + "Add-MailboxPermission -Identity MAILBOX -User OBJECT-ID -AccessRights FullAccess.",
                "Microsoft 365 admin centre, the mailbox, Mail, Manage email apps: Authenticated SMTP is ticked.",
            ],
            [
                Mail(Address, "Mailbox", "The address of the mailbox that sends."),
                new(
                    PresetFields.Directory,
                    "Directory (tenant) ID",
                    "On the overview of the app registration; or a domain such as example.onmicrosoft.com."
                )
                {
                    Pattern = Guid + @"|[^\s/@]+\.[^\s/@.]+",
                    Rule = "it is neither an ID of 32 hexadecimal digits with hyphens nor a domain.",
                },
                new(ClientId, "Application (client) ID", "On the overview of the app registration.")
                {
                    Pattern = Guid,
                    Rule = "it is not an ID of 32 hexadecimal digits with hyphens.",
                },
                SecretOf(
                    "Client secret",
                    "The Value from Certificates & secrets.",
                    $"(?!{Guid}$).+",
                    "that is the ID of the secret; its Value is needed, in the column beside."
                ),
                new(SecretExpires, "Date on which the secret ends", "Year-month-day, from the same page; then you are warned in time.")
                {
                    Pattern = @"\d{4}-\d{2}-\d{2}",
                    Rule = "it is not a date such as 2028-11-01.",
                    IsOptional = true,
                },
            ],
            PresetAccounts.Microsoft,
            PresetTroubles.Microsoft
        ),
        new(
            "ses",
            "Amazon SES",
            "https://console.aws.amazon.com/ses/",
            [
                "SES console, in the region from which you send: Identities, verify your domain or address.",
                "There: SMTP settings, Create SMTP credentials. They are not the access key of AWS, and hold for one region.",
                "A new account is in the sandbox of SES and sends to verified addresses only: Account dashboard, Request "
                    + "production access.",
            ],
            [
                new(Region, "Region", "As in the console, such as eu-central-1.")
                {
                    Pattern = "[a-z]{2}(-[a-z]+)+-[0-9]",
                    Rule = "it is not a region such as eu-central-1.",
                },
                new(User, "SMTP user name", "20 capital letters and digits, from SMTP settings.")
                {
                    Pattern = "[A-Z0-9]{16,128}",
                    Rule = "it is not an SMTP user name of SES: capital letters and digits.",
                },
                SecretOf("SMTP password", "Shown once, beside the SMTP user name."),
                Sender,
            ],
            static v =>
                PresetAccounts.Of($"email-smtp.{v[Region]}.amazonaws.com", v[User], v[Password], v[From]).With("max_recipients", 50),
            PresetTroubles.Ses
        ),
        new(
            "sendgrid",
            "SendGrid",
            "https://app.sendgrid.com/settings/api_keys",
            [
                "Settings, Sender Authentication: authenticate your domain, or verify a single sender.",
                "Settings, API Keys, Create API Key: Restricted Access, Mail Send.",
            ],
            [
                SecretOf("API key", "It begins with SG.", @"SG\..+", "an API key of SendGrid begins with SG."),
                Sender,
                new(Region, "Region", "Where the account is: global or eu.") { Choices = ["global", "eu"], Default = "global" },
            ],
            static v => PresetAccounts.Of(v[Region] == "eu" ? "smtp.eu.sendgrid.net" : "smtp.sendgrid.net", "apikey", v[Password], v[From]),
            PresetTroubles.SendGrid
        ),
        new(
            "mailgun",
            "Mailgun",
            "https://app.mailgun.com/mg/sending/domains",
            [
                "Sending, Domains: add your domain and put its records into DNS until it is verified. A sandbox domain sends to authorised "
                    + "recipients only.",
                "There: Domain settings, SMTP credentials: make one, or reset the password of one.",
            ],
            [
                Mail(User, "SMTP login", "An address of the sending domain, such as postmaster@mg.example.com."),
                SecretOf("SMTP password", "From SMTP credentials of the domain; it is not the API key."),
                new(Region, "Region", "Where the domain is: us or eu.") { Choices = ["us", "eu"], Default = "us" },
            ],
            static v =>
                PresetAccounts
                    .Of(
                        v[Region] == "eu" ? "smtp.eu.mailgun.org" : "smtp.mailgun.org",
                        v[User],
                        v[Password],
                        v[User][v[User].IndexOf('@', StringComparison.Ordinal)..]
                    )
                    .With("max_messages_per_connection", 3),
            PresetTroubles.Mailgun
        ),
        new(
            "postmark",
            "Postmark",
            "https://account.postmarkapp.com/servers",
            [
                "Sender Signatures: add and verify your domain, or confirm an address.",
                "Servers, your server, API Tokens: copy the server API token.",
            ],
            [
                SecretOf(
                    "Server API token",
                    "Hexadecimal digits with hyphens, from API Tokens of the server.",
                    Guid,
                    "it is not a server API token."
                ),
                Sender,
            ],
            static v => PresetAccounts.Of("smtp.postmarkapp.com", v[Password], v[Password], v[From]),
            PresetTroubles.Postmark
        ),
        new(
            "brevo",
            "Brevo",
            "https://app.brevo.com/settings/keys/smtp",
            [
                "Senders, Domains & Dedicated IPs: add your sender or domain and verify it.",
                "SMTP & API, SMTP: the login is shown there; Generate a new SMTP key. The password of the account and an "
                    + "API key are refused.",
            ],
            [
                Mail(User, "SMTP login", "From SMTP & API; not always the address with which you sign in."),
                SecretOf(
                    "SMTP key",
                    "It begins with xsmtpsib-.",
                    "xsmtpsib-.+",
                    "an SMTP key of Brevo begins with xsmtpsib-; an API key does not do."
                ),
                Sender,
            ],
            static v => PresetAccounts.Of("smtp-relay.brevo.com", v[User], v[Password], v[From]),
            PresetTroubles.Brevo
        ),
        new(
            "generic",
            "Any SMTP server",
            "",
            ["Look up host, port and log-in in the documents of your provider, or ask whoever runs the server."],
            [
                new(PresetFields.Host, "Host", "Such as smtp.example.com.")
                {
                    Pattern = @"[^\s/:@]+|\[?[0-9a-fA-F:.]+\]?",
                    Rule = "it is a name or an address, without http:// and without a port.",
                },
                new(Port, "Port", "587 with STARTTLS, 465 with TLS from the start.")
                {
                    Pattern = "[1-9][0-9]{0,4}",
                    Rule = "it is a number from 1 to 65535.",
                    Default = "587",
                },
                new(Security, "Security", "starttls, tls, starttls_when_available or none; without it tls on port 465, else starttls.")
                {
                    Choices = ["starttls", "tls", "starttls_when_available", "none"],
                    IsOptional = true,
                },
                new(User, "User", "Empty: the server wants no log-in.") { IsOptional = true },
                SecretOf("Password", "Of that user; empty without one.") with
                {
                    IsOptional = true,
                },
                Sender with
                {
                    IsOptional = true,
                    Hint = "From whom it may send: an address, or @domain; empty: from everybody.",
                },
            ],
            PresetAccounts.Generic,
            []
        ),
    ];

    public static Preset? Find(string id) => All.FirstOrDefault(preset => preset.Id == id);

    private static bool IsFreeGmail(string address) =>
        address.EndsWith("@gmail.com", StringComparison.OrdinalIgnoreCase)
        || address.EndsWith("@googlemail.com", StringComparison.OrdinalIgnoreCase);
}
