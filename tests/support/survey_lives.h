#ifndef SLAD_TESTS_SURVEY_LIVES_H
#define SLAD_TESTS_SURVEY_LIVES_H

/*
 * Random lives of tickets and of what users say about them, as NDJSON lines of both topics in order of
 * arrival: tickets that change, are solved, reopened, merged, deleted and erased; offers, answers, changed
 * and withdrawn ones; events that come late, twice, and stamped ahead. No two events of one feedback or
 * ticket have one time.
 */
#include "base/buffer.h"
#include "base/instant.h"
#include "chance.h"
#include <stdarg.h>
#include <string.h>

enum { LIVES_LINES_MAX = 160, LIVES_TICKETS = 7, LIVES_FEEDBACKS = 20, LIVES_PEOPLE = 5 };
#define LIVES_START_MS INT64_C(1780898400000) /* 2026-06-08T06:00:00Z */
#define LIVES_LENGTH_MS (INT64_C(20) * 86400000)

struct lives_line {
    int64_t arrives_ms;
    size_t at, bytes; /* in text, without the line's end */
    bool is_feedback;
};

struct lives {
    struct buffer text;
    struct lives_line lines[LIVES_LINES_MAX];
    size_t count;
    int64_t end_ms;
};

__attribute__((format(printf, 2, 3))) static inline void
lives_say(struct buffer *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

static inline void
lives_say_attributes(struct buffer *out, struct chance *chance, bool of_ticket)
{
    static const char *const customers[] = {"\"acme\"", "\"beta\"", "\"a/b%\"", "\"\"", "null"};
    static const char *const services[] = {"\"network\"", "\"mail\"", "null"};

    if (chance_one_in(chance, of_ticket ? 3 : 4))
        lives_say(out, ",\"customer\":%s", CHANCE_PICK(chance, customers));
    if (chance_one_in(chance, 3))
        lives_say(out, ",\"service\":%s", CHANCE_PICK(chance, services));
    if (chance_one_in(chance, of_ticket ? 3 : 6))
        lives_say(out, ",\"requester\":\"u-%u\"", chance_below(chance, LIVES_PEOPLE));
    if (chance_one_in(chance, of_ticket ? 3 : 8))
        lives_say(out, ",\"assignee\":\"a-%u\"", chance_below(chance, 3));
    if (chance_one_in(chance, 4))
        lives_say(out, ",\"user_group\":\"g-%u\"", chance_below(chance, 3));
    if (chance_one_in(chance, 5))
        lives_say(out, ",\"priority\":\"P%u\"", 1 + chance_below(chance, 3));
}

static inline void
lives_say_ticket(struct buffer *out, struct chance *chance)
{
    static const char *const statuses[] = {"New", "Waiting", "Resolved", "Resolved", "Closed", "Canceled"};
    unsigned ticket = chance_below(chance, LIVES_TICKETS), kind = chance_below(chance, 30);

    if (kind == 0) {
        lives_say(out, ",\"type\":\"ticket.erased\",\"ticket\":\"T%u\"", ticket);
    } else if (kind == 1) {
        lives_say(out, ",\"type\":\"ticket.merged\",\"ticket\":\"T%u\",\"into\":\"T%u\"", ticket,
                  (ticket + 1) % LIVES_TICKETS);
    } else if (kind == 2) {
        lives_say(out, ",\"type\":\"ticket.%s\",\"ticket\":\"T%u\"",
                  chance_one_in(chance, 2) ? "deleted" : "restored", ticket);
    } else if (kind < 7) {
        lives_say(out, ",\"type\":\"ticket.message\",\"ticket\":\"T%u\",\"actor\":\"%s\"", ticket,
                  chance_one_in(chance, 2) ? "agent" : "requester");
    } else {
        lives_say(out, ",\"type\":\"%s\",\"ticket\":\"T%u\"", kind < 14 ? "ticket.created" : "ticket.updated",
                  ticket);
        if (chance_one_in(chance, 2))
            lives_say(out, ",\"status\":\"%s\"", CHANCE_PICK(chance, statuses));
        if (chance_one_in(chance, 2))
            lives_say(out, ",\"actor\":\"agent\"");
        lives_say_attributes(out, chance, true);
    }
}

static inline void
lives_say_answer(struct buffer *out, struct chance *chance, unsigned feedback)
{
    static const char *const scales[] = {"stars5", "nps", "ces7"};
    unsigned scale = chance_one_in(chance, 8) ? chance_below(chance, 3) : feedback % 3;

    lives_say(out, ",\"scale\":\"%s\",\"score\":%u", scales[scale], 1 + chance_below(chance, 5));
    if (chance_one_in(chance, 3))
        lives_say(out, ",\"aspects\":{\"speed\":%u,\"clarity\":%u}", 1 + chance_below(chance, 5),
                  1 + chance_below(chance, 5));
    if (chance_one_in(chance, 4))
        lives_say(out, ",\"lost_minutes\":%u", chance_below(chance, 200));
}

/* Somebody has in hand what may be an alert. */
static inline void
lives_say_acknowledgement(struct buffer *out, struct chance *chance)
{
    static const char *const surveys[] = {"post-ticket", "a%2Fb", "", ""};
    unsigned feedback = chance_below(chance, LIVES_FEEDBACKS);

    lives_say(out, ",\"type\":\"alert.acknowledged\",\"by\":\"m-%u\"", chance_below(chance, 3));
    lives_say(out, ",\"ticket\":\"T%u\",\"alert\":\"T%u/experience/%s/f-%u/detractor\"",
              feedback % LIVES_TICKETS, feedback % LIVES_TICKETS, surveys[feedback / 5 % 4], feedback);
}

static inline void
lives_say_feedback(struct buffer *out, struct chance *chance)
{
    static const char *const types[] = {"submitted", "submitted", "submitted", "offered", "withdrawn"};
    static const char *const surveys[] = {",\"survey\":\"post-ticket\"", ",\"survey\":\"a/b\"",
                                          ",\"survey\":\"\"", ""};
    const char *type = CHANCE_PICK(chance, types);
    unsigned feedback = chance_below(chance, LIVES_FEEDBACKS);

    if (chance_one_in(chance, 10)) {
        lives_say_acknowledgement(out, chance);
        return;
    }
    if (chance_one_in(chance, 25)) {
        static const char *const states[] = {"plan", "healthy", "release_right", "no_data"};

        lives_say(
            out,
            ",\"type\":\"contract.moved\",\"contract\":\"%s\",\"to\":\"%s\",\"by\":\"m-1\",\"reason\":\"so\"",
            chance_one_in(chance, 2) ? "acme" : "all", CHANCE_PICK(chance, states));
        return;
    }
    lives_say(out, ",\"type\":\"feedback.%s\"", type);
    if (feedback % 4 != 3)
        lives_say(out, ",\"ticket\":\"T%u\"", feedback % LIVES_TICKETS);
    else
        lives_say(out, ",\"customer\":\"acme\"");
    if (feedback % 4 != 3)
        lives_say_attributes(out, chance, false);
    lives_say(out, ",\"feedback\":{\"id\":\"f-%u\"%s", feedback, surveys[feedback / 5 % 4]);
    if (chance_one_in(chance, 3))
        lives_say(out, ",\"touchpoint\":\"resolution\"");
    if (strcmp(type, "submitted") == 0)
        lives_say_answer(out, chance, feedback);
    if (!chance_one_in(chance, 4))
        lives_say(out, ",\"respondent\":\"u-%u\"", feedback % LIVES_PEOPLE);
    buffer_append_byte(out, '}');
}

static inline int
lives_compare(const void *a, const void *b)
{
    const struct lives_line *left = a, *right = b;

    return (left->arrives_ms > right->arrives_ms) - (left->arrives_ms < right->arrives_ms);
}

static inline void
lives_make(struct lives *lives, struct chance *chance)
{
    size_t events = 60 + chance_below(chance, LIVES_LINES_MAX - 70);

    buffer_reset(&lives->text);
    lives->count = 0;
    lives->end_ms = LIVES_START_MS + LIVES_LENGTH_MS + INT64_C(3) * 86400000;
    for (size_t i = 0; i < events && lives->count + 2 < LIVES_LINES_MAX; i++) {
        struct lives_line *line = &lives->lines[lives->count++];
        int64_t at_ms = LIVES_START_MS + (int64_t)i * (LIVES_LENGTH_MS / LIVES_LINES_MAX) +
                        chance_within(chance, 0, 7200000);
        char at[INSTANT_TEXT_BYTES], arrives[INSTANT_TEXT_BYTES];
        unsigned way = chance_below(chance, 6);

        line->arrives_ms = at_ms + (way == 0   ? chance_within(chance, 0, INT64_C(3) * 86400000)
                                    : way == 1 ? -chance_within(chance, 0, 14400000)
                                               : chance_within(chance, 0, 60000));
        line->is_feedback = chance_one_in(chance, 2);
        line->at = lives->text.bytes;
        instant_format(at_ms, at);
        instant_format(line->arrives_ms, arrives);
        lives_say(&lives->text, "{\"id\":\"e-%zu\",\"source\":\"%s\",\"time\":\"%s\",\"arrived_at\":\"%s\"",
                  i, line->is_feedback ? "survey" : "desk", at, arrives);
        if (line->is_feedback)
            lives_say_feedback(&lives->text, chance);
        else
            lives_say_ticket(&lives->text, chance);
        buffer_append_byte(&lives->text, '}');
        line->bytes = lives->text.bytes - line->at;
        if (chance_one_in(chance, 12)) { /* once more, later */
            lives->lines[lives->count] = *line;
            lives->lines[lives->count++].arrives_ms += chance_within(chance, 0, 86400000);
        }
    }
    qsort(lives->lines, lives->count, sizeof lives->lines[0], lives_compare);
}

static inline struct slice
lives_line_text(const struct lives *lives, size_t i)
{
    return (struct slice){lives->text.at + lives->lines[i].at, lives->lines[i].bytes};
}

/* ---- policies ---- */

/* One version; number 0 is in force from the beginning. */
static inline void
lives_say_policy(struct buffer *out, struct chance *chance, unsigned number)
{
    static const char *const scopes[] = {
        "[[], [customer], [survey, user_group]]",
        "[[], [service, priority], [requester]]",
        "[[customer, touchpoint], [assignee], [source]]",
    };
    static const char *const per[] = {"ticket", "cycle", "respondent"};
    char from[INSTANT_TEXT_BYTES];

    lives_say(out, "version: \"v%u\"\n", number);
    instant_format(LIVES_START_MS + chance_within(chance, 1, LIVES_LENGTH_MS), from);
    if (number > 0)
        lives_say(out, "from: %s\n", from);
    lives_say(out,
              "calendars:\n  always: {always: true}\nstatuses:\n  New: {state: open}\n  Waiting: {state: "
              "waiting, on: customer}\n"
              "  Resolved: {state: solved}\n  Closed: {state: closed}\n  Canceled: {state: cancelled}\n");
    lives_say(
        out,
        "agreements:\n  - name: all\n    kind: sla\n    calendar: always\n    on_reopen: %s\n    clocks:\n"
        "      resolution: {measure: resolution, target: %uh}\n"
        "      first-response: {measure: first_response, start: creation_always, target: %uh}\n",
        chance_one_in(chance, 2) ? "resume" : "new_cycle", 4 + chance_below(chance, 60),
        1 + chance_below(chance, 20));
    lives_say(out,
              "experience:\n  one_answer_per: %s\n  min_answers: %u\n  windows: [24h, 7d, month]\n"
              "  time_zone: Europe/Berlin\n  targets: {px: 90%%, nps: 30, attainment: 20%%}\n  scopes: %s\n  "
              "detractor_alert: %s\n",
              CHANCE_PICK(chance, per), 1 + chance_below(chance, 3), CHANCE_PICK(chance, scopes),
              chance_one_in(chance, 3)
                  ? "false"
                  : "true\n  detractor_repeat: {every: 9h, stop_after: 6d, ack_timeout: 30h}");
    lives_say(
        out,
        "  keis:\n    - {name: repeats, measure: repeat_contact_rate, window: 7d, target: 10%%}\n"
        "    - {name: lived, measure: experienced_p90, match: {customer: acme}, window: month, target: 3d, "
        "review_by: 2026-06-20}\n    - {name: %s, measure: %s, window: 24h, target: %s}\n",
        chance_one_in(chance, 2) ? "speed" : "hops", chance_one_in(chance, 2) ? "aspect:speed" : "px", "60%");
    lives_say(
        out,
        "contracts:\n  - name: acme\n    match: {customer: acme}\n    time_zone: Europe/Berlin\n"
        "    pxa: {window: %ud, threshold: 60%%, min_answers: %u, neutral: %s, plan_days: %u}\n"
        "    watermelon: {window: %s}\n"
        "    credits: {currency: EUR, monthly_fee: \"1000.01\", at_risk: 10%%, lines: [{clock: "
        "sla/resolution, target: 95%%, allocation: 50%%, share: 40%%}]}\n  - {name: all, pxa: {window: 3d, "
        "threshold: 30%%, min_answers: 1, neutral: excluded, plan_days: 2}}\n",
        1 + chance_below(chance, 9), 1 + chance_below(chance, 3),
        chance_one_in(chance, 2) ? "counted" : "excluded", 1 + chance_below(chance, 5),
        chance_one_in(chance, 2) ? "2d" : "month");
}

#endif
