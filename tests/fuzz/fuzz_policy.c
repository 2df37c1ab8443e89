/* Any bytes as a policy: it loads or it says why, at a place inside the file, and leaves nothing behind. */
#include <stddef.h>
#include <stdint.h>
#include "base/panic.h"
#include "wire/policy_yaml.h"

/* Etc/UTC in version 2 of TZif with an empty version 1 block: every zone is this one. */
static const char utc[] =
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
    "\0\0\0\0\0\0UTC\0"
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
    "\0\0\0\0\0\0UTC\0\nUTC0\n";

static int
read_zone(void *context, struct slice name, struct buffer *out)
{
    (void)context;
    for (size_t i = 0; i < name.bytes; i++)
        must(name.at[i] != '.' && name.at[i] != '\0' && (i > 0 || name.at[i] != '/'));
    buffer_append(out, utc, sizeof utc - 1);
    return 0;
}

static void
check_error(const struct policy_error *error, size_t bytes)
{
    struct buffer text = {0};

    must(error->code > POLICY_ERROR_NONE && error->code < POLICY_ERROR_CODES_COUNT);
    must(error->line >= 1 && error->line <= bytes + 1 && error->column >= 1 && error->column <= bytes + 2);
    must(strlen(error->message) > 0 && strlen(error->message) <= 300);
    policy_error_format(error, &text);
    for (size_t i = 0; i < text.bytes; i++)
        must((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7F);
    buffer_free(&text);
}

/* What the core relies on. */
static void
check_policy(const struct policy *policy)
{
    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *clock = &policy->clocks[i];

        must(clock->calendar >= 0 && (size_t)clock->calendar < policy->calendars_count);
        must(clock->name != 0 && clock->counts != 0);
        must(clock->targets_count > 0 || clock->target_default_ms > 0);
        must((clock->measure == MEASURE_HANDLING) ==
             (clock->of_group != 0 || clock->of_party != PARTIES_COUNT));
    }
    must(policy->experience.scales_count >= SCALES_BUILTIN_COUNT);
    must(policy->experience.windows_count > 0 && policy->experience.scopes_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const struct policy_zone_reader reader = {NULL, read_zone};
    struct symbols *symbols = symbols_new();
    struct policy_error error = {0};
    struct slice text = {(const char *)bytes, count};
    struct policy *policy = policy_yaml_load(text, slice_of("p.yaml"), &reader, symbols, &error);

    if (policy == NULL) {
        check_error(&error, count);
    } else {
        struct policy_set *set;

        check_policy(policy);
        set = policy_set_new(&policy, 1, symbols);
        for (size_t i = 0; i < policy->calendars_count && i < 4; i++)
            must(calendar_ever_opens(policy_set_calendar(set, 0, (int)i, 0)));
        policy_set_free(set);
    }
    must(symbols_count(symbols) == 0);
    symbols_free(symbols);
    return 0;
}
