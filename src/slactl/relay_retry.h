#ifndef SLAD_SLACTL_RELAY_RETRY_H
#define SLAD_SLACTL_RELAY_RETRY_H

/* What an answer means to a delivery, and when to try again. Pure: whoever asks brings time and randomness.
 */
#include <stdbool.h>
#include <stdint.h>

enum relay_verdict {
    RELAY_DELIVERED,     /* 2xx */
    RELAY_AGAIN,         /* no answer, 408, 425, 429, 5xx: for ever, or until give_up_after */
    RELAY_AGAIN_BRIEFLY, /* 3xx, 401, 403, 407: about the way or the credentials rather than the record, and a
                            person mends it; for RELAY_BRIEFLY_MS, for it may be the record after all */
    RELAY_REFUSED,       /* any other 4xx: this record will never be taken */
    RELAY_GONE           /* 410 where it means that the receiver wants no more */
};

enum { RELAY_BRIEFLY_MS = 15 * 60000, RELAY_RETRY_AFTER_MS_MAX = 3600000 };

/* status 0: no answer. gone_ends: whether the receiver is one whose 410 means RELAY_GONE. */
enum relay_verdict relay_retry_judge(int status, bool gone_ends);
/* Whether the whole receiver wants to be left alone for a while, not this record: 429, 502, 503, 504. */
bool relay_retry_is_throttling(int status);

struct relay_retry {
    int64_t min_ms, max_ms;   /* of the delay: doubled with every attempt */
    int64_t give_up_after_ms; /* since the first attempt; 0: never */
};

/* From the end of attempt number `attempts` (from 1) to the next: between half and all of min * 2^(attempts -
 * 1), at most max; never before what the receiver asked for (retry_after_ms, -1: nothing; at most
 * RELAY_RETRY_AFTER_MS_MAX), then up to min later. random: any number. */
int64_t relay_retry_delay_ms(const struct relay_retry *retry, unsigned attempts, int64_t retry_after_ms,
                             uint64_t random);
/* Whether a delivery that has been tried for this long is given up after this verdict. */
bool relay_retry_is_over(const struct relay_retry *retry, enum relay_verdict verdict, int64_t tried_for_ms);

#endif
