#include "config/provider.h"
#include <stddef.h>
#include <string.h>

#define APP_PASSWORD "it takes an app password, not that of the account: "
#define SWITCHED_ON "IMAP must be switched on in its settings first"

/* Every message of these is in the folder of all messages once more. */
#define GMAIL_MAILBOXES                                                                            \
    "mailboxes: {patterns: [\"*\", \"!\\\\All\", \"!\\\\Important\", \"!\\\\Flagged\"]}"
#define MICROSOFT "{host: outlook.office365.com, auth: [xoauth2]}"
#define MICROSOFT_ADVICE "it takes no password but an OAuth token, by token_command"

const struct provider providers[] = {
    {"gmail", "Gmail", "gmail.com googlemail.com", "{host: imap.gmail.com, " GMAIL_MAILBOXES "}",
     APP_PASSWORD "https://myaccount.google.com/apppasswords; or an OAuth token"},
    {"outlook", "Outlook.com", "outlook.com outlook.de outlook.fr msn.com", MICROSOFT,
     MICROSOFT_ADVICE},
    {"hotmail", "Hotmail", "hotmail.com hotmail.de hotmail.fr hotmail.co.uk live.com live.de",
     MICROSOFT, MICROSOFT_ADVICE},
    {"office365", "Microsoft 365", NULL, MICROSOFT, MICROSOFT_ADVICE},
    {"icloud", "iCloud Mail", "icloud.com me.com mac.com", "{host: imap.mail.me.com}",
     APP_PASSWORD "https://account.apple.com. Some accounts log in with what is before the @"},
    {"yahoo", "Yahoo Mail",
     "yahoo.com ymail.com rocketmail.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.uk yahoo.ca "
     "yahoo.com.br yahoo.co.in",
     "{host: imap.mail.yahoo.com, connections: 3}",
     APP_PASSWORD "https://login.yahoo.com/account/security"},
    {"aol", "AOL Mail", "aol.com aol.de aim.com", "{host: imap.aol.com, connections: 3}",
     APP_PASSWORD "https://login.aol.com/account/security"},
    {"fastmail", "Fastmail", "fastmail.com fastmail.fm messagingengine.com",
     "{host: imap.fastmail.com}",
     APP_PASSWORD "https://app.fastmail.com/settings/security/integrations"},
    {"gmx", "GMX", "gmx.de gmx.net gmx.at gmx.ch", "{host: imap.gmx.net}", SWITCHED_ON},
    {"gmx.com", "GMX", "gmx.com gmx.us gmx.co.uk gmx.fr", "{host: imap.gmx.com}", SWITCHED_ON},
    {"web.de", "WEB.DE", "web.de", "{host: imap.web.de}", SWITCHED_ON},
    {"mail.com", "mail.com", "mail.com email.com", "{host: imap.mail.com}", SWITCHED_ON},
    {"mailbox.org", "mailbox.org", "mailbox.org", "{host: imap.mailbox.org}", NULL},
    {"posteo", "Posteo", "posteo.de posteo.net posteo.at posteo.ch posteo.eu posteo.org",
     "{host: posteo.de}", NULL},
    {"protonmail", "Proton Mail Bridge", "protonmail.com proton.me pm.me protonmail.ch",
     "{host: 127.0.0.1, port: 1143, tls: starttls, mailboxes: {patterns: "
     "[\"*\", \"!\\\\All\", \"!\\\\Flagged\", \"!Labels\", \"!Labels/*\"]}}",
     "the Bridge must run on this computer. The password is the one that it shows, and "
     "tls_fingerprint or tls_ca_file must say that its certificate is to be trusted"},
    {"yandex", "Yandex Mail", "yandex.com yandex.ru ya.ru yandex.by yandex.kz",
     "{host: imap.yandex.com, connections: 3}",
     APP_PASSWORD "https://id.yandex.com/security/app-passwords; and " SWITCHED_ON},
    {"zoho", "Zoho Mail", "zoho.com zohomail.com", "{host: imap.zoho.com}", SWITCHED_ON},
    {"zoho.eu", "Zoho Mail (EU)", "zoho.eu zohomail.eu", "{host: imap.zoho.eu}", SWITCHED_ON},
    {"mail.ru", "Mail.ru", "mail.ru inbox.ru list.ru bk.ru", "{host: imap.mail.ru}",
     APP_PASSWORD "https://account.mail.ru/user/2-step-auth/passwords"},
    {"qq", "QQ Mail", "qq.com foxmail.com", "{host: imap.qq.com, connections: 2}",
     "it takes an authorization code, made in its settings, instead of the password"},
    {"163", "NetEase Mail", "163.com", "{host: imap.163.com, connections: 2}",
     "it takes an authorization code, made in its settings, instead of the password"},
    {"126", "NetEase Mail", "126.com", "{host: imap.126.com, connections: 2}",
     "it takes an authorization code, made in its settings, instead of the password"},
    {"t-online", "T-Online", "t-online.de magenta.de", "{host: secureimap.t-online.de}",
     "it takes the e-mail password, made in its customer centre"},
    {"freenet", "freenet Mail", "freenet.de", "{host: mx.freenet.de}", SWITCHED_ON},
    {"ionos", "IONOS", NULL, "{host: imap.ionos.com}", NULL},
    {"strato", "STRATO", NULL, "{host: imap.strato.de}", NULL},
    {"infomaniak", "Infomaniak", "ik.me ikmail.com etik.com", "{host: mail.infomaniak.com}", NULL},
    {"migadu", "Migadu", NULL, "{host: imap.migadu.com}", NULL},
    {"runbox", "Runbox", "runbox.com", "{host: mail.runbox.com}", NULL},
    {"disroot", "Disroot", "disroot.org", "{host: disroot.org}", NULL},
    {"riseup", "Riseup", "riseup.net", "{host: mail.riseup.net}", NULL},
    {"gandi", "Gandi", NULL, "{host: mail.gandi.net}", NULL},
    {"dreamhost", "DreamHost", NULL, "{host: imap.dreamhost.com}", NULL},
    {"mailfence", "Mailfence", "mailfence.com", "{host: imap.mailfence.com}", NULL},
    {"kolabnow", "Kolab Now", "kolabnow.com", "{host: imap.kolabnow.com}", NULL},
    {"purelymail", "Purelymail", "purelymail.com", "{host: imap.purelymail.com}", NULL},
    {"seznam", "Seznam", "seznam.cz email.cz post.cz", "{host: imap.seznam.cz}", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct provider *provider_find(const char *name)
{
    for (const struct provider *p = providers; p->name != NULL; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

const struct provider *provider_of_domain(struct str domain)
{
    for (const struct provider *p = providers; p->name != NULL; p++) {
        struct str rest = str_from(p->domains == NULL ? "" : p->domains), one;
        while (str_split(&rest, ' ', &one)) {
            if (str_eq_nocase(one, domain)) {
                return p;
            }
        }
    }
    return NULL;
}
