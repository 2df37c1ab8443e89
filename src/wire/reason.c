/*
 * What: one alert said in one sentence: first what happened, then what was counted, then what was not.
 *
 * Why this way: who is woken by a page asks three things: how much of the time is used, since when, and who
 * held it up. Lengths are cut to what the ear takes in (minutes from an hour on, seconds from a minute on);
 * the exact figures stand in the record beside it.
 *
 * Always true: every sentence has `counted X of Y`. Who held it up is named only when the parties' times add
 * up to the pause.
 *
 * Not here: other languages.
 */
#include "wire/told_json.h"
#include "wire/reason.h"
#include "base/duration.h"
#include "base/instant.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };

static int64_t
local_ms(const struct alert *alert, int64_t at_ms)
{
    int64_t at_s = at_ms / 1000 - (at_ms % 1000 < 0);

    return alert->zone == NULL ? at_ms : at_ms + (int64_t)zone_offset_s(alert->zone, at_s) * 1000;
}

static int64_t
day_of(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

/* "10:15", or "2026-06-05 16:30" on another local day than the alert's. */
static void
append_local_time(struct buffer *out, const struct alert *alert, int64_t at_ms)
{
    int64_t local = local_ms(alert, at_ms);
    char text[INSTANT_TEXT_BYTES];

    instant_format(local, text); /* local time as if it were UTC: 2026-06-05T16:30:... */
    if (day_of(local) != day_of(local_ms(alert, alert->effective_at_ms))) {
        buffer_append(out, text, 10);
        buffer_append_byte(out, ' ');
    }
    buffer_append(out, text + 11, 5);
    if (alert->zone == NULL)
        buffer_append_text(out, " UTC");
}

static void
append_length(struct buffer *out, int64_t length_ms)
{
    char text[DURATION_TEXT_BYTES];

    if (length_ms >= HOUR_MS)
        length_ms -= length_ms % MINUTE_MS;
    else if (length_ms >= MINUTE_MS)
        length_ms -= length_ms % 1000;
    buffer_append_text(out, duration_format(length_ms, text));
}

/* ---- what happened ---- */

static void
append_end(struct buffer *out, const struct alert *alert)
{
    const struct clock_figures *figures = &alert->figures;

    buffer_append_text(out, (figures->flags & FLAG_EXCUSED) != 0 ? "excused" : "over");
    if (figures->state == CLOCK_RUNNING || figures->state == CLOCK_PAUSED ||
        figures->stopped_at_ms == INSTANT_NONE)
        return;
    buffer_append_text(out, ", ended ");
    buffer_append_text(out, clock_state_text(figures->state));
    buffer_append_text(out, " at ");
    append_local_time(out, alert, figures->stopped_at_ms);
}

static void
append_firing(struct buffer *out, const struct alert *alert)
{
    if (slice_is(alert->stage, "risk")) {
        buffer_append_text(out, "likely to miss its target");
        if (alert->risk_permille >= 0) {
            buffer_append_text(out, ", ");
            buffer_append_int64(out, (alert->risk_permille + 5) / 10);
            buffer_append_byte(out, '%');
        }
        if (alert->foresight != NULL && alert->foresight->forecast.evidence_count > 0) {
            buffer_append_text(out, ", ");
            told_json_sentence(out, alert->foresight);
        }
        buffer_append_text(out, ": ");
    } else if (slice_is(alert->stage, "slack")) {
        buffer_append_text(out, "begins with less left than its own target: ");
    }
}

static void
append_happening(struct buffer *out, const struct alert *alert)
{
    switch (alert->state) {
    case ALERT_FIRING:
        append_firing(out, alert);
        return;
    case ALERT_REPEATED:
        buffer_append_text(out, "still not over");
        if (alert->n > 0) {
            buffer_append_text(out, ", repeat ");
            buffer_append_int64(out, alert->n);
        }
        break;
    case ALERT_ACKNOWLEDGED:
        buffer_append_text(out, "acknowledged");
        if (alert->by.bytes > 0) {
            buffer_append_text(out, " by ");
            buffer_append_slice(out, alert->by);
        }
        break;
    case ALERT_RESOLVED:
        append_end(out, alert);
        break;
    case ALERT_WITHDRAWN:
        buffer_append_text(out, alert->figures.state == CLOCK_CANCELLED ? "withdrawn, the clock was cancelled"
                                                                        : "withdrawn, it is not so");
        break;
    }
    buffer_append_text(out, ": ");
}

/* ---- what was counted ---- */

static void
append_counted(struct buffer *out, const struct alert *alert)
{
    char target[DURATION_TEXT_BYTES];

    buffer_append_text(out, "counted ");
    append_length(out, alert->figures.elapsed_ms);
    buffer_append_text(out, " of ");
    buffer_append_text(out, duration_format(alert->figures.target_ms, target));
    if (alert->calendar.bytes > 0) {
        buffer_append_text(out, " on ");
        buffer_append_slice(out, alert->calendar);
    }
    if (alert->figures.started_at_ms != INSTANT_NONE) {
        buffer_append_text(out, " since ");
        append_local_time(out, alert, alert->figures.started_at_ms);
    }
}

/* How much is left or over, and why a breach is dated as it is. */
static void
append_difference(struct buffer *out, const struct alert *alert)
{
    const struct clock_figures *figures = &alert->figures;

    if (alert->state == ALERT_WITHDRAWN)
        return;
    if (figures->overrun_ms > 0) {
        buffer_append_text(out, "; ");
        append_length(out, figures->overrun_ms);
        buffer_append_text(out, " over");
    } else if (alert->remaining_ms > 0) {
        buffer_append_text(out, "; ");
        append_length(out, alert->remaining_ms);
        buffer_append_text(out, " left");
    }
    if (!slice_is(alert->stage, "breach"))
        return;
    if ((figures->flags & FLAG_AT_RETARGET) != 0) {
        buffer_append_text(out, "; already past the target that came into force at ");
        append_local_time(out, alert, alert->effective_at_ms);
    } else if ((figures->flags & FLAG_RETROACTIVE) != 0) {
        buffer_append_text(out, "; already past the target when its start was corrected at ");
        append_local_time(out, alert, alert->effective_at_ms);
    }
}

/* ---- what was not ---- */

/* Whether these parties' counted-hours time adds up to the pause. */
static bool
make_up_the_pause(const struct clock_figures *figures, unsigned set)
{
    int64_t sum_ms = 0;

    for (int party = 0; party < PARTY_NOBODY; party++)
        sum_ms += (set >> party & 1) != 0 ? figures->by_party[party].in_hours_ms : 0;
    return sum_ms == figures->paused_ms;
}

/* The parties whose turn is the pause, as PARTY_BITs: those that the clock does not count, when that is told;
 * else the first choice whose time adds up to it, those that pause by default being tried first. 0: it cannot
 * be said, for several were waited for at once, or it is the pause of one group while another had the ball.
 */
static unsigned
paused_parties(const struct alert *alert)
{
    const struct clock_figures *figures = &alert->figures;
    static const uint8_t usual[] = {PARTY_BIT(PARTY_CUSTOMER) | PARTY_BIT(PARTY_CUSTOMER_SUPPLIER),
                                    PARTY_BIT(PARTY_CUSTOMER) | PARTY_BIT(PARTY_CUSTOMER_SUPPLIER) |
                                        PARTY_BIT(PARTY_SUPPLIER)};
    unsigned choices = 1U << PARTY_NOBODY; /* every set of the four before nobody */
    unsigned stops = ~(unsigned)alert->counts & (choices - 1);

    if (alert->counts != 0)
        return (alert->counts & PARTY_BIT(PARTY_NOBODY)) == 0 && make_up_the_pause(figures, stops) ? stops
                                                                                                   : 0;
    for (unsigned choice = 0; choice < choices + sizeof usual; choice++) {
        unsigned set = choice < sizeof usual ? usual[choice] : choice - (unsigned)sizeof usual;

        if (make_up_the_pause(figures, set))
            return set;
    }
    return 0;
}

static void
append_paused(struct buffer *out, const struct alert *alert)
{
    static const char *const names[PARTY_NOBODY] = {
        [PARTY_CUSTOMER] = "customer",
        [PARTY_CUSTOMER_SUPPLIER] = "the customer's supplier",
        [PARTY_SUPPLIER] = "supplier",
        [PARTY_PROVIDER] = "provider",
    };
    const struct clock_figures *figures = &alert->figures;
    unsigned set;
    bool first = true;

    if (figures->paused_ms <= 0)
        return;
    buffer_append_text(out, "; paused ");
    set = paused_parties(alert);
    if (set == 0)
        append_length(out, figures->paused_ms);
    for (int party = 0; party < PARTY_NOBODY; party++) {
        if ((set >> party & 1) == 0 || figures->by_party[party].in_hours_ms == 0)
            continue;
        if (!first)
            buffer_append_text(out, ", ");
        first = false;
        append_length(out, figures->by_party[party].in_hours_ms);
        buffer_append_text(out, " for ");
        buffer_append_text(out, names[party]);
    }
}

void
reason_print(struct buffer *out, const struct alert *alert)
{
    append_happening(out, alert);
    append_counted(out, alert);
    append_difference(out, alert);
    append_paused(out, alert);
}
