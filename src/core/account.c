/*
 * Where the time of a clock went: by party, in hours and outside, paused, overrun (semantics.md section 4, R25, R26).
 *
 * Why apart from the clock: a clock only needs to know when it reaches its next threshold. Who had the ball meanwhile is
 * asked when a record is due; then the history is folded in full and this file adds up.
 * Always true: every instant of [started_at, end) is given to exactly one party, so elapsed + paused + nobody's time in
 * hours is the life in hours.
 * Not here: deciding whether a clock runs (fold_event) or what it has counted (clock).
 */
#include "core/fold.h"

enum party
account_attribution(uint8_t ball)
{
    enum party party = PARTY_CUSTOMER;

    while (party < PARTY_NOBODY && (ball & PARTY_BIT(party)) == 0)
        party++;
    return party;
}

void
account_gap(struct account *account, const struct calendar *calendar, enum party party, int64_t from_ms, int64_t to_ms)
{
    account->by_party[party].wall_ms += to_ms - from_ms;
    account->by_party[party].in_hours_ms +=
        to_ms >= from_ms ? calendar_counted_ms(calendar, from_ms, to_ms) : -calendar_counted_ms(calendar, to_ms, from_ms);
}

/* calendar_counted_ms, remembering the last answer. */
int64_t
account_counted_ms(struct fold *fold, const struct calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    if (fold->asked.calendar != calendar || fold->asked.from_ms != from_ms || fold->asked.to_ms != to_ms) {
        fold->asked.counted_ms = calendar_counted_ms(calendar, from_ms, to_ms);
        fold->asked.calendar = calendar;
        fold->asked.from_ms = from_ms;
        fold->asked.to_ms = to_ms;
    }
    return fold->asked.counted_ms;
}

void
account_segment(struct fold *fold, size_t slot, int64_t from_ms, int64_t to_ms)
{
    const struct clock *clock = &fold->clocks[slot];
    struct account *account = &fold->extras[slot].now;
    enum party party = account_attribution(fold->life.ball);
    int64_t counted_ms;

    if (clock->started_at_ms == INSTANT_NONE || clock->ended || from_ms >= to_ms)
        return;
    counted_ms = account_counted_ms(fold, clock->calendar, from_ms, to_ms);
    account->by_party[party].wall_ms += to_ms - from_ms;
    account->by_party[party].in_hours_ms += counted_ms;
    if (!clock->running && party != PARTY_NOBODY) {
        account->paused_ms += counted_ms;
        account->paused_wall_ms += to_ms - from_ms;
    }
    if (clock->breached_at_ms != INSTANT_NONE && party != PARTY_NOBODY)
        account->overrun_wall_ms += to_ms - from_ms;
}
