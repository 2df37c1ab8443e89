/*
 * What an answer means to a delivery.
 *
 * What: from a status to one of five verdicts, and how long to wait.
 *
 * Why so: an alert that is dropped pages nobody, so only what speaks of the record itself drops it. Delays
 * grow so that a receiver in trouble is not kept there, with jitter so that many senders do not come back
 * together.
 *
 * Always true: a delay is at least half the smallest one and never shorter than the receiver asked for (up to
 * an hour).
 *
 * Not here: what is sent, and the clock.
 */
#include "slactl/relay_retry.h"

enum relay_verdict
relay_retry_judge(int status, bool gone_ends)
{
    if (status >= 200 && status < 300)
        return RELAY_DELIVERED;
    if (status == 410 && gone_ends)
        return RELAY_GONE;
    if (status == 408 || status == 425 || status == 429)
        return RELAY_AGAIN;
    if (status == 401 || status == 403 || status == 407 || (status >= 300 && status < 400))
        return RELAY_AGAIN_BRIEFLY;
    return status >= 400 && status < 500 ? RELAY_REFUSED : RELAY_AGAIN;
}

bool
relay_retry_is_throttling(int status)
{
    return status == 429 || (status >= 502 && status <= 504);
}

int64_t
relay_retry_delay_ms(const struct relay_retry *retry, unsigned attempts, int64_t retry_after_ms,
                     uint64_t random)
{
    int64_t whole_ms = retry->min_ms, delay_ms;

    for (unsigned i = 1; i < attempts && whole_ms < retry->max_ms; i++)
        whole_ms *= 2;
    if (whole_ms > retry->max_ms)
        whole_ms = retry->max_ms;
    delay_ms = whole_ms - (int64_t)(random % (uint64_t)(whole_ms / 2 + 1));
    if (retry_after_ms > RELAY_RETRY_AFTER_MS_MAX)
        retry_after_ms = RELAY_RETRY_AFTER_MS_MAX;
    if (retry_after_ms > delay_ms)
        delay_ms = retry_after_ms + (int64_t)(random % (uint64_t)(retry->min_ms + 1));
    return delay_ms;
}

bool
relay_retry_is_over(const struct relay_retry *retry, enum relay_verdict verdict, int64_t tried_for_ms)
{
    if (verdict == RELAY_AGAIN_BRIEFLY && tried_for_ms >= RELAY_BRIEFLY_MS)
        return true;
    return retry->give_up_after_ms > 0 && tried_for_ms >= retry->give_up_after_ms;
}
