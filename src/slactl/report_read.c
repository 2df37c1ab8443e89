/*
 * What: outcomes from files or the topic into the scores, and the facts that are named one by one beside
 * them: verdicts, solved tickets, moves of contracts.
 *
 * Why this way: a report says what held at the month's end, by everything that is known since. So a record
 * counts by the instant it is about, not by the one at which it was written: late proof is in, what happened
 * after the month is not.
 *
 * Always true: the newest revision of a key that is about the month decides; memory grows with the month of
 * one customer and with what the scores hold, not with the bytes read.
 *
 * Not here: figures (report_figures), which facts are shown (report_facts).
 */
#include "base/memory.h"
#include "slactl/outcome_lines.h"
#include "slactl/report_model.h"
#include "wire/outcome_read.h"
#include <stdio.h>

struct reading {
    struct report *report;
    struct outcome_reader *reader;
};

/* ---- whose it is ---- */

static bool
has_value(const struct report *report, const struct policy_match_key *key, struct slice value)
{
    for (size_t i = 0; i < key->values_count; i++)
        if (value.at != NULL && slice_equal(symbols_text(report->symbols, key->values[i]), value))
            return true;
    return false;
}

static bool
is_ours(const struct report *report, const struct slice *attributes, struct slice source)
{
    const struct policy_match *match = &report->cuts[REPORT_WHOLE].match;

    for (size_t i = 0; i < match->keys_count; i++) {
        int attribute = match->keys[i].attribute;

        if (!has_value(report, &match->keys[i],
                       attribute == POLICY_MATCH_SOURCE ? source : attributes[attribute]))
            return false;
    }
    return true;
}

static bool
is_in_month(const struct report *report, int64_t at_ms)
{
    return at_ms > report->span.after_ms && at_ms <= report->span.through_ms;
}

static struct slice
keep(struct report *report, struct slice text)
{
    return arena_copy_slice(report->arena, text);
}

/* ---- facts ---- */

static void
fill_verdict(struct report *report, struct report_verdict *verdict, const struct verdict_outcome *outcome)
{
    *verdict = (struct report_verdict){.key = verdict->key,
                                       .revision = outcome->arrival.revision,
                                       .kind = outcome->name.kind,
                                       .ticket = keep(report, outcome->name.ticket),
                                       .clock = keep(report, outcome->name.clock),
                                       .agreement = keep(report, outcome->name.agreement),
                                       .service = keep(report, outcome->attributes[ATTRIBUTE_SERVICE]),
                                       .priority = keep(report, outcome->attributes[ATTRIBUTE_PRIORITY]),
                                       .measure = outcome->measure,
                                       .verdict = outcome->verdict,
                                       .honest = outcome->honest,
                                       .honest_excluded = outcome->honest_excluded,
                                       .attainment = outcome->attainment,
                                       .ended = outcome->ended,
                                       .flags = outcome->figures.flags,
                                       .decided_at_ms = outcome->decided_at_ms,
                                       .target_ms = outcome->figures.target_ms,
                                       .elapsed_ms = outcome->figures.elapsed_ms,
                                       .overrun_wall_ms = outcome->figures.overrun_wall_ms};
    for (int i = 0; i < PARTIES_COUNT; i++)
        verdict->wall_ms[i] = outcome->figures.by_party[i].wall_ms;
}

static bool
is_of_month(const struct report *report, const struct verdict_outcome *outcome)
{
    return is_ours(report, outcome->attributes, outcome->source) &&
           is_in_month(report, outcome->decided_at_ms) && outcome->verdict != VERDICT_VOID &&
           outcome->verdict != VERDICT_OPEN && outcome->verdict != VERDICT_CANCELLED;
}

static void
take_verdict(struct report *report, const struct verdict_outcome *outcome)
{
    const struct clock_name *name = &outcome->name;
    bool counts = is_of_month(report, outcome);
    struct report_verdict *verdict;
    struct buffer key = {0};

    alert_key_append(&key, name->ticket, name->kind, name->clock, name->cycle, slice_of(""));
    verdict = map_get(report->verdicts, buffer_slice(&key));
    if (verdict == NULL && counts) {
        verdict = arena_allocate(report->arena, sizeof *verdict);
        *verdict = (struct report_verdict){.key = keep(report, buffer_slice(&key))};
        (void)map_put(report->verdicts, verdict);
    }
    if (verdict != NULL && outcome->arrival.revision > verdict->revision) {
        fill_verdict(report, verdict, outcome);
        verdict->counts = counts;
    }
    buffer_free(&key);
}

static void
take_ticket(struct report *report, const struct ticket_outcome *outcome)
{
    int64_t solved_at_ms =
        outcome->solved_at_ms != INSTANT_NONE ? outcome->solved_at_ms : outcome->closed_at_ms;
    bool counts = is_ours(report, outcome->attributes, outcome->source) && outcome->counted &&
                  is_in_month(report, solved_at_ms) &&
                  (outcome->state == TICKET_SOLVED || outcome->state == TICKET_CLOSED);
    struct report_ticket *ticket = map_get(report->tickets, outcome->ticket);

    if (ticket != NULL ? outcome->arrival.revision <= ticket->revision : !counts)
        return;
    if (ticket == NULL) {
        ticket = arena_allocate(report->arena, sizeof *ticket);
        *ticket = (struct report_ticket){.name = keep(report, outcome->ticket)};
        (void)map_put(report->tickets, ticket);
    }
    *ticket = (struct report_ticket){.name = ticket->name,
                                     .revision = outcome->arrival.revision,
                                     .counts = counts,
                                     .service = keep(report, outcome->attributes[ATTRIBUTE_SERVICE]),
                                     .priority = keep(report, outcome->attributes[ATTRIBUTE_PRIORITY]),
                                     .solved_at_ms = solved_at_ms,
                                     .reopens = outcome->reopens};
    for (int i = 0; i < PARTIES_COUNT; i++) {
        ticket->wall_ms[i] = outcome->by_party_wall_ms[i];
        ticket->waited_ms += i == PARTY_NOBODY ? 0 : outcome->by_party_wall_ms[i];
    }
}

static void
take_contract(struct report *report, const struct contract_outcome *outcome)
{
    struct report_move *move;

    if (!outcome->has_states)
        return;
    if (report->moves_count == report->moves_room) {
        report->moves_room = report->moves_room * 2 + 16;
        report->moves = memory_resize(report->moves, report->moves_room * sizeof *report->moves);
    }
    move = &report->moves[report->moves_count++];
    *move = (struct report_move){.contract = keep(report, outcome->contract),
                                 .subject = outcome->subject,
                                 .at_ms = outcome->decided_at_ms,
                                 .plan_until_ms = outcome->has_plan ? outcome->plan_until_ms : INSTANT_NONE,
                                 .from = outcome->from,
                                 .to = outcome->to,
                                 .in_month = is_in_month(report, outcome->decided_at_ms),
                                 .scope = {.dimensions = outcome->scope.dimensions},
                                 .by = keep(report, outcome->by),
                                 .reason = keep(report, outcome->reason)};
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        move->scope.values[i] = keep(report, outcome->scope.values[i]);
    if (outcome->subject == CONTRACT_PXA && !outcome->moved)
        report->moves_count--; /* a daily decision that everything stays as it is */
}

/* ---- lines ---- */

static const struct arrival *
arrival_of(const struct outcome *outcome)
{
    switch (outcome->kind) {
    case OUTCOME_VERDICT:
        return &outcome->verdict.arrival;
    case OUTCOME_TICKET:
        return &outcome->ticket.arrival;
    case OUTCOME_ANSWER:
        return &outcome->answer.arrival;
    case OUTCOME_CONTRACT:
        return &outcome->contract.arrival;
    case OUTCOME_DUE_CHANGED:
    case OUTCOME_RISK_SAMPLE:
    case OUTCOME_OTHER:
        break;
    }
    return NULL;
}

/* The instant it is about. */
static int64_t
instant_of(const struct outcome *outcome)
{
    switch (outcome->kind) {
    case OUTCOME_VERDICT:
        return outcome->verdict.decided_at_ms;
    case OUTCOME_TICKET:
        return outcome->ticket.changed_at_ms != 0 ? outcome->ticket.changed_at_ms
                                                  : outcome->ticket.arrival.detected_at_ms;
    case OUTCOME_ANSWER:
        return outcome->answer.answered_at_ms;
    default:
        return outcome->contract.decided_at_ms;
    }
}

static void
fold(struct report *report, const struct outcome *outcome)
{
    int64_t t_ms = report->span.through_ms;

    if (outcome->kind == OUTCOME_VERDICT) {
        scores_verdict(report->scores, &outcome->verdict, t_ms);
        take_verdict(report, &outcome->verdict);
    } else if (outcome->kind == OUTCOME_TICKET) {
        scores_ticket(report->scores, &outcome->ticket, t_ms);
        take_ticket(report, &outcome->ticket);
    } else if (outcome->kind == OUTCOME_ANSWER) {
        scores_answer(report->scores, &outcome->answer, t_ms);
    } else {
        scores_contract(report->scores, &outcome->contract, t_ms);
        take_contract(report, &outcome->contract);
    }
}

static void
say_unread(struct report *report, const struct outcome_line *line, enum error_code error, const char *detail)
{
    struct buffer place = {0};

    report->unread++;
    outcome_lines_place(line, &place);
    fprintf(stderr, "slactl report: %.*s: %s: %s\n", (int)place.bytes, place.at, error_code_text(error),
            detail);
    buffer_free(&place);
}

static void
take_line(void *context, const struct outcome_line *line)
{
    const struct reading *reading = context;
    struct report *report = reading->report;
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;
    enum error_code error = outcome_read(reading->reader, line->text, &outcome, detail);
    const struct arrival *arrival;

    if (error != ERROR_NONE) {
        say_unread(report, line, error, detail);
        return;
    }
    arrival = arrival_of(&outcome);
    if (arrival == NULL || (report->has_until && arrival->detected_at_ms > report->until_ms))
        return;
    report->outcomes++;
    if (report->known_until_ms == INSTANT_NONE || arrival->detected_at_ms > report->known_until_ms)
        report->known_until_ms = arrival->detected_at_ms;
    if (instant_of(&outcome) > report->span.through_ms)
        report->later++;
    else
        fold(report, &outcome);
}

static struct slice
key_of_verdict(const void *value)
{
    return ((const struct report_verdict *)value)->key;
}

static struct slice
key_of_ticket(const void *value)
{
    return ((const struct report_ticket *)value)->name;
}

void
report_read(struct report *report, int paths_count, char **paths)
{
    struct reading reading = {report, outcome_reader_new()};
    const struct outcome_taker taker = {take_line, &reading};

    report->verdicts = map_new(key_of_verdict, 1);
    report->tickets = map_new(key_of_ticket, 1);
    report->failed = outcome_lines_read("report", &report->reach, paths_count, paths, &taker) != 0;
    outcome_reader_free(reading.reader);
}

void
report_read_done(struct report *report)
{
    if (report->verdicts != NULL) {
        map_free(report->verdicts);
        map_free(report->tickets);
    }
    memory_free(report->moves);
}
