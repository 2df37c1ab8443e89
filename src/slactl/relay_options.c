/*
 * The command line of slactl relay.
 *
 * What: options into a struct relay_options, and what is wrong with them.
 *
 * Why so: what can be seen to be wrong at the start is said at the start, not after the first alert.
 *
 * Always true: options that were read are complete: a receiver has its URL, and its secrets have their files.
 *
 * Not here: what is in those files (relay.c).
 */
#include "slactl/relay_options.h"
#include "base/memory.h"
#include "slactl/relay.h"
#include "wire/quantity.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_TO = 1000,
    OPTION_URL,
    OPTION_SECRET,
    OPTION_TOKEN,
    OPTION_CA,
    OPTION_STAGE,
    OPTION_SEVERITY,
    OPTION_CUSTOMER,
    OPTION_LABEL,
    OPTION_BOARD,
    OPTION_GROUP,
    OPTION_INSTANCE,
    OPTION_FROM,
    OPTION_RESEND,
    OPTION_RETRY_MIN,
    OPTION_RETRY_MAX,
    OPTION_GIVE_UP,
    OPTION_TIMEOUT,
    OPTION_LANES,
    OPTION_QUEUE_MAX,
    OPTION_ALERTS_MAX,
    OPTION_REPORT,
    OPTION_ONCE
};

const struct command_option relay_options_table[] = {
    {"to", OPTION_TO, "alertmanager|pagerduty|webhook", "who is told"},
    {"url", OPTION_URL, "URL",
     "of the receiver; alertmanager: http://127.0.0.1:9093 by default, up to 4 for the members of a cluster; "
     "pagerduty: "
     "https://events.pagerduty.com by default; webhook: required"},
    {"secret-file", OPTION_SECRET, "FILE",
     "pagerduty: the routing key; webhook: signing secrets (whsec_...), one a line, up to 4 files. Read "
     "again before "
     "every request; a name without / is one of systemd's credentials"},
    {"token-file", OPTION_TOKEN, "FILE", "sent as Authorization: Bearer"},
    {"ca-file", OPTION_CA, "FILE", "authorities to trust instead of the machine's (PEM)"},
    {"stage", OPTION_STAGE, "STAGE", "only alerts of it; may be given more than once; warn is every warning"},
    {"severity", OPTION_SEVERITY, "info|warning|critical", "only alerts of it; may be given more than once"},
    {"customer", OPTION_CUSTOMER, "NAME", "only alerts of it; may be given more than once"},
    {"label", OPTION_LABEL, "agreement|priority|group",
     "alertmanager: a label, too, as it is when first sent"},
    {"board-url", OPTION_BOARD, "URL",
     "of the board, for links to the ticket (default: api_url of the configuration)"},
    {"group", OPTION_GROUP, "NAME", "consumer group, one for each receiver (default: PREFIX-relay-RECEIVER)"},
    {"instance", OPTION_INSTANCE, "NAME", "a static member of the group: back at once after a crash"},
    {"from", OPTION_FROM, "live|now",
     "what a new group begins with: every alert that is not over (default), or what comes from now on"},
    {"resend", OPTION_RESEND, "DURATION",
     "alertmanager: how often what is firing is sent again (default 1m); keep it under its resolve_timeout"},
    {"retry-min", OPTION_RETRY_MIN, "DURATION",
     "after the first failure, then doubled, with jitter (default 1s)"},
    {"retry-max", OPTION_RETRY_MAX, "DURATION",
     "the longest; Retry-After counts where it is longer (default 1m)"},
    {"give-up-after", OPTION_GIVE_UP, "DURATION", "drops a record that fails for so long (default: never)"},
    {"timeout", OPTION_TIMEOUT, "DURATION", "of one request (default 20s)"},
    {"lanes", OPTION_LANES, "N", "pagerduty, webhook: requests at a time; a key keeps its lane (default 8)"},
    {"queue-max", OPTION_QUEUE_MAX, "N",
     "records read and not delivered; at it reading pauses (default 10000)"},
    {"alerts-max", OPTION_ALERTS_MAX, "N",
     "alerts kept in mind that are not over; more are refused (default 100000)"},
    {"report-every", OPTION_REPORT, "DURATION", "counts on standard error (default 1m)"},
    {"once", OPTION_ONCE, NULL, "ends when everything there is has been delivered"},
    REACH_OPTIONS,
    {0},
};

static bool
take_word(const char *text, const char *const *words, int words_count, int *ret_index)
{
    for (int i = 0; i < words_count; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret_index = i;
            return true;
        }
    return false;
}

static bool
take_text(const char *text, const char **list, size_t list_max, size_t *count)
{
    if (*count == list_max || *text == '\0')
        return false;
    list[(*count)++] = text;
    return true;
}

static bool
take_number(const char *text, int64_t max, int64_t *ret_number)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || number < 1 || number > max)
        return false;
    *ret_number = number;
    return true;
}

static bool
take_label(struct relay_options *options, const char *text)
{
    static const char *const names[] = {"agreement", "priority", "group"};
    static const enum relay_field fields[] = {RELAY_AGREEMENT, RELAY_PRIORITY, RELAY_GROUP};
    int index;

    if (options->labels_count == RELAY_LABELS_MAX || !take_word(text, names, 3, &index))
        return false;
    options->labels[options->labels_count++] = fields[index];
    return true;
}

/* What is a length or a number. */
static bool
take_quantity(struct relay_options *options, int option, const char *text)
{
    struct slice given = slice_of(text);

    switch (option) {
    case OPTION_RESEND:
        return quantity_parse_duration_ms(given, &options->resend_ms) == 0;
    case OPTION_RETRY_MIN:
        return quantity_parse_duration_ms(given, &options->retry.min_ms) == 0;
    case OPTION_RETRY_MAX:
        return quantity_parse_duration_ms(given, &options->retry.max_ms) == 0;
    case OPTION_GIVE_UP:
        return quantity_parse_duration_ms(given, &options->retry.give_up_after_ms) == 0;
    case OPTION_TIMEOUT:
        return quantity_parse_duration_ms(given, &options->timeout_ms) == 0 && options->timeout_ms < 3600000;
    case OPTION_REPORT:
        return quantity_parse_duration_ms(given, &options->report_every_ms) == 0;
    case OPTION_LANES:
        return take_number(text, RELAY_LANES_MAX, &options->lanes_count);
    case OPTION_QUEUE_MAX:
        return take_number(text, 1000000, &options->queue_max);
    case OPTION_ALERTS_MAX:
        return take_number(text, 10000000, &options->alerts_max);
    default:
        return false;
    }
}

static bool
take_option(struct relay_options *options, int option, const char *text)
{
    static const char *const receivers[] = {"alertmanager", "pagerduty", "webhook"};
    static const char *const beginnings[] = {"live", "now"};
    int index;

    switch (option) {
    case OPTION_TO:
        if (!take_word(text, receivers, RELAY_TO_COUNT, &index))
            return false;
        options->to = (enum relay_to)index;
        return true;
    case OPTION_URL:
        return take_text(text, options->urls, RELAY_URLS_MAX, &options->urls_count);
    case OPTION_SECRET:
        return take_text(text, options->secret_files, RELAY_SECRETS_MAX, &options->secret_files_count);
    case OPTION_TOKEN:
        options->token_file = text;
        return true;
    case OPTION_CA:
        options->ca_file = text;
        return true;
    case OPTION_STAGE:
        return relay_filter_add(&options->filter, RELAY_STAGE, text);
    case OPTION_SEVERITY:
        return relay_filter_add(&options->filter, RELAY_SEVERITY, text);
    case OPTION_CUSTOMER:
        return relay_filter_add(&options->filter, RELAY_CUSTOMER, text);
    case OPTION_LABEL:
        return take_label(options, text);
    case OPTION_BOARD:
        options->board_url = text;
        return true;
    case OPTION_GROUP:
        options->group = text;
        return true;
    case OPTION_INSTANCE:
        options->instance = text;
        return true;
    case OPTION_FROM:
        options->from_now = take_word(text, beginnings, 2, &index) && index == 1;
        return options->from_now || strcmp(text, "live") == 0;
    case OPTION_ONCE:
        options->once = true;
        return true;
    default:
        return take_quantity(options, option, text);
    }
}

/* With the receiver's path, unless it is there. */
static char *
complete_url(enum relay_to to, const char *given)
{
    static const char *const paths[RELAY_TO_COUNT] = {"/api/v2/alerts", "/v2/enqueue", ""};
    struct slice url = slice_of(given), path = slice_of(paths[to]);
    struct buffer text = {0};

    if (to != RELAY_TO_WEBHOOK)
        while (url.bytes > 0 && url.at[url.bytes - 1] == '/')
            url.bytes--;
    buffer_append_slice(&text, url);
    if (url.bytes < path.bytes || memcmp(url.at + url.bytes - path.bytes, path.at, path.bytes) != 0)
        buffer_append_slice(&text, path);
    buffer_append_byte(&text, '\0');
    return text.at;
}

static const char *
find_fault(const struct relay_options *options)
{
    if (options->urls_count > 1 && options->to != RELAY_TO_ALERTMANAGER)
        return "--url once: a relay for each receiver, with a --group of its own";
    for (size_t i = 0; i < options->urls_count; i++)
        if (strncmp(options->urls[i], "http://", 7) != 0 && strncmp(options->urls[i], "https://", 8) != 0)
            return "--url: http:// or https://";
    for (size_t i = 0; i < options->urls_count; i++)
        if (strcspn(strstr(options->urls[i], "://") + 3, "/?#") >
            strcspn(strstr(options->urls[i], "://") + 3, "@"))
            return "--url: no user and no password in it: --token-file";
    if (options->to == RELAY_TO_WEBHOOK && options->urls_count == 0)
        return "--to webhook needs a --url";
    if (options->to == RELAY_TO_WEBHOOK && options->secret_files_count == 0)
        return "--to webhook needs a --secret-file: what is not signed cannot be told from a stranger's";
    if (options->to == RELAY_TO_PAGERDUTY && options->secret_files_count != 1)
        return "--to pagerduty needs one --secret-file, with the routing key";
    if (options->to == RELAY_TO_ALERTMANAGER && options->secret_files_count > 0)
        return "--to alertmanager has no secret of its own: --token-file";
    if (options->to == RELAY_TO_ALERTMANAGER && options->from_now)
        return "--from now is not for alertmanager: it is told of everything that is firing";
    if (options->to != RELAY_TO_ALERTMANAGER && options->labels_count > 0)
        return "--label is for alertmanager";
    if (options->retry.max_ms < options->retry.min_ms)
        return "--retry-max is under --retry-min";
    return NULL;
}

static int
refuse(struct relay_options *options, const char *why)
{
    options->urls_count = 0;
    return command_refuse(&relay_command, "%s", why);
}

static int
finish_options(struct relay_options *options, bool receiver_given)
{
    static const char *const defaults[RELAY_TO_COUNT] = {"http://127.0.0.1:9093",
                                                         "https://events.pagerduty.com", NULL};
    const char *fault = receiver_given ? find_fault(options) : "--to is missing";

    if (fault != NULL)
        return refuse(options, fault);
    if (options->urls_count == 0)
        options->urls[options->urls_count++] = defaults[options->to];
    for (size_t i = 0; i < options->urls_count; i++)
        options->urls[i] = complete_url(options->to, options->urls[i]);
    return -1;
}

int
relay_options_read(int argc, char **argv, struct reach *reach, struct relay_options *ret_options)
{
    bool receiver_given = false;
    int option;

    *ret_options = (struct relay_options){.retry = {.min_ms = 1000, .max_ms = 60000},
                                          .timeout_ms = 20000,
                                          .resend_ms = 60000,
                                          .report_every_ms = 60000,
                                          .lanes_count = 8,
                                          .queue_max = 10000,
                                          .alerts_max = 100000};
    while ((option = command_next(&relay_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP || option == COMMAND_BAD) {
            ret_options->urls_count = 0;
            return option == COMMAND_HELP ? COMMAND_DONE : COMMAND_REFUSED;
        }
        if (!reach_take_option(reach, option, optarg) && !take_option(ret_options, option, optarg)) {
            ret_options->urls_count = 0;
            return command_refuse(&relay_command, "%s: not a value for this option, or one too many", optarg);
        }
        receiver_given |= option == OPTION_TO;
    }
    return optind == argc ? finish_options(ret_options, receiver_given)
                          : refuse(ret_options, "expected options only");
}

void
relay_options_done(struct relay_options *options)
{
    for (size_t i = 0; i < options->urls_count; i++)
        memory_free((char *)(uintptr_t)options->urls[i]);
    options->urls_count = 0;
}
