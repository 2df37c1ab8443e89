/*
 * The words of what goes out: states, verdicts, flags as they are printed.
 *
 * Why here: printers, tests and the state record share them. Always true: one text per value, stable for
 * ever, for other programs match on them. Not here: the shape of a record (wire/effect).
 */
#include "slad/effect.h"
#include "base/panic.h"

const char *
clock_state_text(enum clock_state state)
{
    static const char *const texts[] = {
        [CLOCK_IDLE] = "idle",
        [CLOCK_RUNNING] = "running",
        [CLOCK_PAUSED] = "paused",
        [CLOCK_MET] = "met",
        [CLOCK_BREACHED] = "breached",
        [CLOCK_CANCELLED] = "cancelled",
        [CLOCK_UNANSWERED] = "unanswered",
    };

    return texts[state];
}

const char *
alert_state_text(enum alert_state state)
{
    static const char *const texts[] = {
        [ALERT_FIRING] = "firing",     [ALERT_REPEATED] = "repeated",   [ALERT_ACKNOWLEDGED] = "acknowledged",
        [ALERT_RESOLVED] = "resolved", [ALERT_WITHDRAWN] = "withdrawn",
    };

    return texts[state];
}

const char *
verdict_text(enum verdict verdict)
{
    static const char *const texts[] = {
        [VERDICT_MET] = "met",
        [VERDICT_BREACHED] = "breached",
        [VERDICT_UNANSWERED] = "unanswered",
        [VERDICT_CANCELLED] = "cancelled",
        [VERDICT_OPEN] = "open",
        [VERDICT_VOID] = "void",
    };

    return texts[verdict];
}

const char *
ticket_state_text(enum ticket_state state)
{
    static const char *const texts[] = {
        [TICKET_OPEN] = "open",
        [TICKET_SOLVED] = "solved",
        [TICKET_CLOSED] = "closed",
        [TICKET_CANCELLED] = "cancelled",
    };

    return texts[state];
}

const char *
clock_flag_text(enum clock_flag flag)
{
    static const char *const texts[CLOCK_FLAGS_COUNT] = {
        "at_retarget", "retroactive",     "calendar_corrected", "pause_without_contact",
        "auto_closed", "canned_response", "reopened",           "priority_flip",
        "merged",      "excused",
    };

    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++) {
        if (flag == (enum clock_flag)(1 << i))
            return texts[i];
    }
    panic("clock_flag_text: not one flag");
}

static void
append_escaped(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == '%' || text.at[i] == '/')
            buffer_append_text(out, text.at[i] == '%' ? "%25" : "%2F");
        else
            buffer_append_byte(out, text.at[i]);
    }
}

void
alert_key_append(struct buffer *out, struct slice ticket, enum clock_kind kind, struct slice clock,
                 uint32_t cycle, struct slice stage)
{
    append_escaped(out, ticket);
    buffer_append_byte(out, '/');
    buffer_append_text(out, clock_kind_text(kind));
    buffer_append_byte(out, '/');
    append_escaped(out, clock);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, cycle);
    buffer_append_byte(out, '/');
    buffer_append_slice(out, stage);
}
