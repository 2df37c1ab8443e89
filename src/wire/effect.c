/*
 * What: the shape of every record the ticket side sends, as tables of rows, and their keys and ids.
 *
 * Why this way: a field is one row: name, kind, place in the struct. Printing and reading walk the same rows
 * (record.c), and the tests compare them with docs/schema/.
 *
 * Always true: the order of rows is the order of fields; arrival is the last; nothing before it depends on
 * when we knew, but for an alert's state and n, which are what it says.
 *
 * Not here: scores, contract moves and detractor alerts (score_json.c), the sentence for people (reason.c).
 */
#include "wire/effect.h"
#include "wire/print.h"
#include "wire/reason.h"
#include "wire/told_json.h"

#define FIELD(struct_name, key, kind, member)                                                                \
    {                                                                                                        \
        RECORD_KEY(key), kind, offsetof(struct struct_name, member), RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, \
            NULL, NULL                                                                                       \
    }
#define WORD(struct_name, key, words, member)                                                                \
    {                                                                                                        \
        RECORD_KEY(key), RECORD_WORD, offsetof(struct struct_name, member), RECORD_ALWAYS, words, NULL,      \
            NULL, NULL                                                                                       \
    }
#define WHEN(struct_name, key, kind, member, condition)                                                      \
    {                                                                                                        \
        RECORD_KEY(key), kind, offsetof(struct struct_name, member),                                         \
            offsetof(struct struct_name, condition), RECORD_WORDS_KIND, NULL, NULL, NULL                     \
    }
#define OBJECT(struct_name, key, rows, member)                                                               \
    {                                                                                                        \
        RECORD_KEY(key), RECORD_OBJECT, offsetof(struct struct_name, member), RECORD_ALWAYS,                 \
            RECORD_WORDS_KIND, rows, NULL, NULL                                                              \
    }
#define TYPE(text)                                                                                           \
    {                                                                                                        \
        RECORD_KEY("type"), RECORD_TYPE, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, text, NULL               \
    }
#define PRINTED(key, function)                                                                               \
    {                                                                                                        \
        RECORD_KEY(key), RECORD_PRINTED, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, NULL, function           \
    }
#define PRINTED_IF(key, function, condition)                                                                 \
    {                                                                                                        \
        RECORD_KEY(key), RECORD_PRINTED, 0, condition, RECORD_WORDS_KIND, NULL, NULL, function               \
    }
#define ATTRIBUTE(struct_name, key, attribute)                                                               \
    FIELD(struct_name, key, RECORD_TEXT_OR_NULL, attributes[attribute])
/* The attributes a score may be cut by (the match keys but source). */
#define SCOPE_ATTRIBUTES(struct_name)                                                                        \
    ATTRIBUTE(struct_name, "customer", ATTRIBUTE_CUSTOMER),                                                  \
        ATTRIBUTE(struct_name, "contract", ATTRIBUTE_CONTRACT),                                              \
        ATTRIBUTE(struct_name, "service", ATTRIBUTE_SERVICE),                                                \
        ATTRIBUTE(struct_name, "category", ATTRIBUTE_CATEGORY),                                              \
        ATTRIBUTE(struct_name, "priority", ATTRIBUTE_PRIORITY),                                              \
        ATTRIBUTE(struct_name, "group", ATTRIBUTE_GROUP),                                                    \
        ATTRIBUTE(struct_name, "user_group", ATTRIBUTE_USER_GROUP),                                          \
        ATTRIBUTE(struct_name, "channel", ATTRIBUTE_CHANNEL),                                                \
        ATTRIBUTE(struct_name, "requester", ATTRIBUTE_REQUESTER),                                            \
        ATTRIBUTE(struct_name, "assignee", ATTRIBUTE_ASSIGNEE)
#define CLOCK_NAME(struct_name)                                                                              \
    FIELD(struct_name, "ticket", RECORD_TEXT, name.ticket),                                                  \
        WORD(struct_name, "kind", RECORD_WORDS_KIND, name.kind),                                             \
        FIELD(struct_name, "agreement", RECORD_TEXT, name.agreement),                                        \
        FIELD(struct_name, "clock", RECORD_TEXT, name.clock),                                                \
        FIELD(struct_name, "cycle", RECORD_COUNT, name.cycle)
/* From started_at to paused_wall_ms, the order of semantics.md section 11. */
#define FIGURES(struct_name)                                                                                 \
    FIELD(struct_name, "started_at", RECORD_INSTANT, figures.started_at_ms),                                 \
        FIELD(struct_name, "due_at", RECORD_INSTANT, figures.due_at_ms),                                     \
        FIELD(struct_name, "breached_at", RECORD_INSTANT, figures.breached_at_ms),                           \
        FIELD(struct_name, "stopped_at", RECORD_INSTANT, figures.stopped_at_ms),                             \
        FIELD(struct_name, "target_ms", RECORD_LENGTH, figures.target_ms),                                   \
        FIELD(struct_name, "elapsed_ms", RECORD_LENGTH, figures.elapsed_ms),                                 \
        FIELD(struct_name, "overrun_ms", RECORD_LENGTH, figures.overrun_ms),                                 \
        FIELD(struct_name, "overrun_wall_ms", RECORD_LENGTH, figures.overrun_wall_ms),                       \
        FIELD(struct_name, "paused_ms", RECORD_LENGTH, figures.paused_ms),                                   \
        FIELD(struct_name, "paused_wall_ms", RECORD_LENGTH, figures.paused_wall_ms)
#define TABLE(rows)                                                                                          \
    {                                                                                                        \
        rows, sizeof rows / sizeof rows[0]                                                                   \
    }

/* ---- the tables ---- */

static const struct record_field arrival_rows[] = {
    FIELD(arrival, "detected_at", RECORD_INSTANT, detected_at_ms),
    FIELD(arrival, "revision", RECORD_COUNT, revision),
    FIELD(arrival, "late", RECORD_BOOL_IF_TRUE, late),
    FIELD(arrival, "lagging", RECORD_BOOL_IF_TRUE, lagging),
};
static const struct record_table arrival_table = TABLE(arrival_rows);

static void
print_key_of_alert(struct buffer *out, const void *record)
{
    struct buffer key = {0};

    effect_alert_key(&key, record);
    print_text(out, buffer_slice(&key));
    buffer_free(&key);
}

static void
print_reason_of_alert(struct buffer *out, const void *record)
{
    struct buffer reason = {0};

    reason_print(&reason, record);
    print_text(out, buffer_slice(&reason));
    buffer_free(&reason);
}

/* Permille as a fraction of 1; unknown is null. */
static void
print_risk_of_alert(struct buffer *out, const void *record)
{
    const struct alert *alert = record;

    if (alert->risk_permille < 0)
        buffer_append(out, "null", 4);
    else
        told_json_permille(out, alert->risk_permille);
}

static void
print_foresight_of_alert(struct buffer *out, const void *record)
{
    told_json_print(out, ((const struct alert *)record)->foresight);
}

static const struct record_field alert_rows[] = {
    PRINTED("key", print_key_of_alert),
    CLOCK_NAME(alert),
    FIELD(alert, "stage", RECORD_TEXT, stage),
    WORD(alert, "state", RECORD_WORDS_ALERT_STATE, state),
    FIELD(alert, "n", RECORD_COUNT_IF_ANY, n),
    FIELD(alert, "by", RECORD_TEXT_IF_THERE, by),
    WORD(alert, "severity", RECORD_WORDS_SEVERITY, severity),
    FIELD(alert, "effective_at", RECORD_INSTANT, effective_at_ms),
    FIELD(alert, "due_at", RECORD_INSTANT, figures.due_at_ms),
    FIELD(alert, "target_ms", RECORD_LENGTH, figures.target_ms),
    FIELD(alert, "elapsed_ms", RECORD_LENGTH, figures.elapsed_ms),
    FIELD(alert, "remaining_ms", RECORD_LENGTH, remaining_ms),
    FIELD(alert, "overrun_ms", RECORD_LENGTH, figures.overrun_ms),
    WORD(alert, "turn", RECORD_WORDS_PARTY, turn),
    PRINTED("risk", print_risk_of_alert),
    PRINTED_IF("foresight", print_foresight_of_alert, offsetof(struct alert, has_foresight)),
    ATTRIBUTE(alert, "customer", ATTRIBUTE_CUSTOMER),
    ATTRIBUTE(alert, "service", ATTRIBUTE_SERVICE),
    ATTRIBUTE(alert, "priority", ATTRIBUTE_PRIORITY),
    ATTRIBUTE(alert, "group", ATTRIBUTE_GROUP),
    FIELD(alert, "policy", RECORD_TEXT, policy),
    FIELD(alert, "flags", RECORD_FLAGS, figures.flags),
    PRINTED("reason", print_reason_of_alert),
    OBJECT(alert, "arrival", &arrival_table, arrival),
};
static const struct record_table alert_table = TABLE(alert_rows);

static const struct record_field verdict_rows[] = {
    TYPE("verdict"),
    CLOCK_NAME(verdict_outcome),
    WORD(verdict_outcome, "measure", RECORD_WORDS_MEASURE, measure),
    WORD(verdict_outcome, "verdict", RECORD_WORDS_VERDICT, verdict),
    FIELD(verdict_outcome, "ended", RECORD_BOOL, ended),
    FIELD(verdict_outcome, "final", RECORD_BOOL, final),
    FIELD(verdict_outcome, "decided_at", RECORD_INSTANT, decided_at_ms),
    WORD(verdict_outcome, "state", RECORD_WORDS_CLOCK_STATE, figures.state),
    FIGURES(verdict_outcome),
    WHEN(verdict_outcome, "wait_ms", RECORD_LENGTH_OR_NULL, wait_ms, has_wait),
    FIELD(verdict_outcome, "by_party", RECORD_BY_PARTY, figures.by_party),
    FIELD(verdict_outcome, "flags", RECORD_FLAGS, figures.flags),
    FIELD(verdict_outcome, "by", RECORD_TEXT_IF_THERE, excused_by),
    FIELD(verdict_outcome, "reason", RECORD_TEXT_IF_THERE, excused_reason),
    FIELD(verdict_outcome, "attainment", RECORD_BOOL, attainment),
    FIELD(verdict_outcome, "default_counts", RECORD_BOOL, default_counts),
    WORD(verdict_outcome, "honest", RECORD_WORDS_VERDICT, honest),
    FIELD(verdict_outcome, "honest_excluded", RECORD_BOOL, honest_excluded),
    SCOPE_ATTRIBUTES(verdict_outcome),
    FIELD(verdict_outcome, "source", RECORD_TEXT_OR_NULL, source),
    FIELD(verdict_outcome, "policy", RECORD_TEXT, policy),
    OBJECT(verdict_outcome, "arrival", &arrival_table, arrival),
};
const struct record_table effect_verdict_table = TABLE(verdict_rows);

#define COUNTED(key, kind, member) WHEN(ticket_outcome, key, kind, member, counted)
static const struct record_field ticket_rows[] = {
    TYPE("ticket"),
    FIELD(ticket_outcome, "ticket", RECORD_TEXT, ticket),
    WORD(ticket_outcome, "state", RECORD_WORDS_TICKET_STATE, state),
    FIELD(ticket_outcome, "final", RECORD_BOOL, final),
    FIELD(ticket_outcome, "started_at", RECORD_INSTANT, started_at_ms),
    FIELD(ticket_outcome, "solved_at", RECORD_INSTANT, solved_at_ms),
    FIELD(ticket_outcome, "closed_at", RECORD_INSTANT, closed_at_ms),
    COUNTED("reopens", RECORD_COUNT, reopens),
    COUNTED("group_bounces", RECORD_COUNT, group_bounces),
    COUNTED("assignee_changes", RECORD_COUNT, assignee_changes),
    COUNTED("tiers_touched", RECORD_TIERS, tiers_touched),
    COUNTED("first_contact_resolution", RECORD_BOOL, first_contact_resolution),
    COUNTED("by_party", RECORD_BY_PARTY_WALL, by_party_wall_ms),
    SCOPE_ATTRIBUTES(ticket_outcome),
    FIELD(ticket_outcome, "source", RECORD_TEXT_OR_NULL, source),
    FIELD(ticket_outcome, "policy", RECORD_TEXT, policy),
    FIELD(ticket_outcome, "changed_at", RECORD_INSTANT, changed_at_ms),
    FIELD(ticket_outcome, "erased", RECORD_BOOL_IF_TRUE, erased),
    OBJECT(ticket_outcome, "arrival", &arrival_table, arrival),
};
const struct record_table effect_ticket_table = TABLE(ticket_rows);

static const struct record_field due_changed_rows[] = {
    TYPE("due_changed"),
    CLOCK_NAME(due_changed_outcome),
    FIELD(due_changed_outcome, "was_due_at", RECORD_INSTANT, was_due_at_ms),
    FIELD(due_changed_outcome, "due_at", RECORD_INSTANT, due_at_ms),
    FIELD(due_changed_outcome, "from", RECORD_TEXT, from),
    FIELD(due_changed_outcome, "to", RECORD_TEXT, to),
    FIELD(due_changed_outcome, "effective_at", RECORD_INSTANT, effective_at_ms),
    OBJECT(due_changed_outcome, "arrival", &arrival_table, arrival),
};
const struct record_table effect_due_changed_table = TABLE(due_changed_rows);

static const struct record_field feedback_rows[] = {
    FIELD(feedback, "id", RECORD_TEXT, id),
    FIELD(feedback, "survey", RECORD_TEXT_IF_THERE, survey),
    FIELD(feedback, "touchpoint", RECORD_TEXT_IF_THERE, touchpoint),
    FIELD(feedback, "scale", RECORD_TEXT_IF_THERE, scale),
    WHEN(feedback, "score", RECORD_SCORE, score, has_score),
    {RECORD_KEY("aspects"), RECORD_ASPECTS, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, NULL, NULL},
    WHEN(feedback, "lost_minutes", RECORD_SCORE, lost_minutes, has_lost_minutes),
    FIELD(feedback, "respondent", RECORD_TEXT_IF_THERE, respondent),
};
static const struct record_table feedback_table = TABLE(feedback_rows);

/* Which event made a revision (none: its ticket did) depends on the order of arrival, so it stands in there.
 */
static const struct record_field answer_arrival_rows[] = {
    FIELD(answer_outcome, "detected_at", RECORD_INSTANT, arrival.detected_at_ms),
    FIELD(answer_outcome, "revision", RECORD_COUNT, arrival.revision),
    FIELD(answer_outcome, "late", RECORD_BOOL_IF_TRUE, arrival.late),
    FIELD(answer_outcome, "lagging", RECORD_BOOL_IF_TRUE, arrival.lagging),
    FIELD(answer_outcome, "event", RECORD_TEXT_IF_THERE, event),
    FIELD(answer_outcome, "event_source", RECORD_TEXT_IF_THERE, event_source),
};
static const struct record_table answer_arrival_table = TABLE(answer_arrival_rows);

static const struct record_field answer_rows[] = {
    TYPE("answer"),
    FIELD(answer_outcome, "ticket", RECORD_TEXT_OR_NULL, ticket),
    OBJECT(answer_outcome, "feedback", &feedback_table, feedback),
    {RECORD_KEY("class"), RECORD_WORD, offsetof(struct answer_outcome, answer_class), RECORD_ALWAYS,
     RECORD_WORDS_CLASS, NULL, NULL, NULL},
    FIELD(answer_outcome, "answered_at", RECORD_INSTANT, answered_at_ms),
    FIELD(answer_outcome, "offered_only", RECORD_BOOL, offered_only),
    FIELD(answer_outcome, "withdrawn", RECORD_BOOL, withdrawn),
    SCOPE_ATTRIBUTES(answer_outcome),
    FIELD(answer_outcome, "source", RECORD_TEXT_OR_NULL, source),
    FIELD(answer_outcome, "own", RECORD_ATTRIBUTES, attributes_own),
    WHEN(answer_outcome, "acknowledged_at", RECORD_INSTANT, acknowledged_at_ms, acknowledged),
    WHEN(answer_outcome, "acknowledged_by", RECORD_TEXT_OR_NULL, acknowledged_by, acknowledged),
    {RECORD_KEY("arrival"), RECORD_OBJECT, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, &answer_arrival_table, NULL,
     NULL},
};
const struct record_table effect_answer_table = TABLE(answer_rows);

static const struct record_field clock_rows[] = {
    CLOCK_NAME(clock_line),
    WORD(clock_line, "state", RECORD_WORDS_CLOCK_STATE, figures.state),
    FIGURES(clock_line),
    FIELD(clock_line, "by_party", RECORD_BY_PARTY, figures.by_party),
    FIELD(clock_line, "flags", RECORD_FLAGS, figures.flags),
};
const struct record_table effect_clock_table = TABLE(clock_rows);

/* ---- printing ---- */

void
effect_print_alert(struct buffer *out, const struct alert *alert)
{
    record_print(out, &alert_table, alert);
}

void
effect_print_verdict(struct buffer *out, const struct verdict_outcome *outcome)
{
    record_print(out, &effect_verdict_table, outcome);
}

void
effect_print_ticket(struct buffer *out, const struct ticket_outcome *outcome)
{
    record_print(out, &effect_ticket_table, outcome);
}

void
effect_print_due_changed(struct buffer *out, const struct due_changed_outcome *outcome)
{
    record_print(out, &effect_due_changed_table, outcome);
}

void
effect_print_answer(struct buffer *out, const struct answer_outcome *outcome)
{
    record_print(out, &effect_answer_table, outcome);
}

void
effect_print_clock(struct buffer *out, const struct clock_line *line)
{
    record_print(out, &effect_clock_table, line);
}

void
effect_print_arrival(struct buffer *out, const struct arrival *arrival)
{
    print_key(out, "arrival");
    record_print(out, &arrival_table, arrival);
}

/* ---- keys and ids ---- */

static bool
is_plain(struct slice text)
{
    return text.bytes == 0 ||
           (memchr(text.at, '%', text.bytes) == NULL && memchr(text.at, '/', text.bytes) == NULL);
}

void
effect_print_segment(struct buffer *out, struct slice text)
{
    if (is_plain(text)) { /* nearly always */
        buffer_append_slice(out, text);
        return;
    }
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == '%')
            buffer_append(out, "%25", 3);
        else if (text.at[i] == '/')
            buffer_append(out, "%2F", 3);
        else
            buffer_append_byte(out, text.at[i]);
    }
}

/* TICKET/kind/clock/cycle */
static void
append_name(struct buffer *out, const struct clock_name *name)
{
    effect_print_segment(out, name->ticket);
    buffer_append_byte(out, '/');
    buffer_append_text(out, clock_kind_text(name->kind));
    buffer_append_byte(out, '/');
    effect_print_segment(out, name->clock);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, name->cycle);
}

/* /WORD/revision */
static void
append_revision(struct buffer *out, const char *word, uint32_t revision)
{
    buffer_append_byte(out, '/');
    buffer_append_text(out, word);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, revision);
}

void
effect_alert_key(struct buffer *out, const struct alert *alert)
{
    append_name(out, &alert->name);
    buffer_append_byte(out, '/');
    buffer_append_slice(out, alert->stage);
}

void
effect_verdict_key(struct buffer *out, const struct verdict_outcome *outcome)
{
    append_name(out, &outcome->name);
}

void
effect_ticket_key(struct buffer *out, const struct ticket_outcome *outcome)
{
    effect_print_segment(out, outcome->ticket);
}

void
effect_due_changed_key(struct buffer *out, const struct due_changed_outcome *outcome)
{
    append_name(out, &outcome->name);
}

void
effect_answer_key(struct buffer *out, const struct answer_outcome *outcome)
{
    effect_print_segment(out, outcome->feedback.survey);
    buffer_append_byte(out, '/');
    effect_print_segment(out, outcome->feedback.id);
    buffer_append_text(out, outcome->offered_only ? "/offer" : "/answer");
}

void
effect_alert_id(struct buffer *out, const struct alert *alert)
{
    effect_alert_key(out, alert);
    append_revision(out, alert_state_text(alert->state), alert->arrival.revision);
}

void
effect_verdict_id(struct buffer *out, const struct verdict_outcome *outcome)
{
    effect_verdict_key(out, outcome);
    append_revision(out, "verdict", outcome->arrival.revision);
}

void
effect_ticket_id(struct buffer *out, const struct ticket_outcome *outcome)
{
    effect_ticket_key(out, outcome);
    append_revision(out, "ticket", outcome->arrival.revision);
}

void
effect_due_changed_id(struct buffer *out, const struct due_changed_outcome *outcome)
{
    effect_due_changed_key(out, outcome);
    buffer_append_text(out, "/due_changed/");
    effect_print_segment(out, outcome->to);
}

void
effect_answer_id(struct buffer *out, const struct answer_outcome *outcome)
{
    effect_answer_key(out, outcome);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, outcome->arrival.revision);
}
