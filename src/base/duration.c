/*
 * What: a length in milliseconds as a person would say it.
 *
 * Why this way: reasons and logs are read by people; the exact number stands beside it in the record.
 *
 * Always true: two different lengths have two different texts.
 *
 * Not here: reading durations (the policy's), rounding.
 */
#include "base/duration.h"
#include <stdio.h>

struct duration_unit {
    const char *name;
    uint64_t ms;
};

static const struct duration_unit units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

const char *
duration_format(int64_t length_ms, char out[DURATION_TEXT_BYTES])
{
    uint64_t rest = length_ms < 0 ? -(uint64_t)length_ms : (uint64_t)length_ms;
    const char *before = length_ms < 0 ? "-" : "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t count = rest / units[i].ms;

        rest %= units[i].ms;
        if (count == 0)
            continue;
        used += (size_t)snprintf(out + used, DURATION_TEXT_BYTES - used, "%s%llu%s", before,
                                 (unsigned long long)count, units[i].name);
        before = " ";
    }
    if (used == 0)
        snprintf(out, DURATION_TEXT_BYTES, "0s");
    return out;
}
