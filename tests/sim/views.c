#include "sim/views.h"
#include <stdio.h>

static const struct view {
    const char *name;
    const char *yaml;
} VIEWS_TABLE[VIEWS] = {
    {"all", ""},
    {"without B", "    mailboxes: {patterns: [\"*\", \"!B\"]}\n"},
    {"INBOX and A", "    mailboxes: {patterns: [INBOX, \"A*\"]}\n"},
    {"without A", "    mailboxes: {patterns: [\"*\", \"!A\"]}\n"},
    {"what is subscribed", "    mailboxes: {subscribed: true}\n"},
    {"no new mailboxes", "    overrides: [{match: \"*\", sync: {create: none}}]\n"},
    {"no new A here", "    overrides: [{match: \"A*\", sync: {create: to_remote}}]\n"},
    {"INBOX is left out", "    mailboxes: {patterns: [\"*\", \"!INBOX\", \"!C\"]}\n"},
};

const char *view_name(unsigned view)
{
    return VIEWS_TABLE[view].name;
}

bool view_may_change(unsigned policy)
{
    return !script_policies[policy].trash && !script_policies[policy].other_names;
}

const char *view_yaml(unsigned policy, unsigned view)
{
    static char texts[SCRIPT_POLICIES][VIEWS][256];
    const char *yaml = script_policies[policy].yaml;
    char *text = texts[policy][view];
    if (view == 0)
        return yaml;
    (void)snprintf(text, sizeof texts[0][0], "%s%s", yaml != NULL ? yaml : "",
                   VIEWS_TABLE[view].yaml);
    return text;
}
