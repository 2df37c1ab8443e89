#ifndef SLAD_WIRE_EFFECT_H
#define SLAD_WIRE_EFFECT_H

/*
 * What goes out, as bytes: one JSON object a record, compact, without a line's end, appended to out. Fields
 * and their order are a promise (semantics.md sections 7 and 11, docs/records.md, docs/schema/). `arrival`
 * comes last: what is before it does not depend on when we knew. slactl replay puts its own "record" behind
 * the opening brace.
 */
#include "base/buffer.h"
#include "slad/effect.h"
#include "wire/record.h"

void effect_print_alert(struct buffer *out, const struct alert *alert);
void effect_print_verdict(struct buffer *out, const struct verdict_outcome *outcome);
void effect_print_ticket(struct buffer *out, const struct ticket_outcome *outcome);
void effect_print_due_changed(struct buffer *out, const struct due_changed_outcome *outcome);
void effect_print_answer(struct buffer *out, const struct answer_outcome *outcome);
void effect_print_clock(struct buffer *out, const struct clock_line *line);
/* "arrival":{...} as the last member of a record that other files print (scores' outcomes, detractor alerts).
 */
void effect_print_arrival(struct buffer *out, const struct arrival *arrival);

/* One segment of a key: % and / become %25 and %2F (R42). */
void effect_print_segment(struct buffer *out, struct slice text);

/* Keys: TICKET/kind/clock/cycle/stage of an alert (R42); TICKET/kind/clock/cycle of a verdict or due_changed;
 * TICKET of a ticket; SURVEY/FEEDBACK-ID/answer or /offer of an answer, the identity it is folded by: the
 * same when its ticket turns up later. A survey that is not there is an empty segment. */
void effect_alert_key(struct buffer *out, const struct alert *alert);
void effect_verdict_key(struct buffer *out, const struct verdict_outcome *outcome);
void effect_ticket_key(struct buffer *out, const struct ticket_outcome *outcome);
void effect_due_changed_key(struct buffer *out, const struct due_changed_outcome *outcome);
void effect_answer_key(struct buffer *out, const struct answer_outcome *outcome);

/* ce_id: KEY/state/revision of an alert; KEY/type/revision of an outcome;
 * KEY/revision of an answer; KEY/due_changed/VERSION, for it is
 * never revised. The same record sent again has the same id. */
void effect_alert_id(struct buffer *out, const struct alert *alert);
void effect_verdict_id(struct buffer *out, const struct verdict_outcome *outcome);
void effect_ticket_id(struct buffer *out, const struct ticket_outcome *outcome);
void effect_due_changed_id(struct buffer *out, const struct due_changed_outcome *outcome);
void effect_answer_id(struct buffer *out, const struct answer_outcome *outcome);

/* The rows, for outcome_read. */
extern const struct record_table effect_verdict_table;
extern const struct record_table effect_ticket_table;
extern const struct record_table effect_due_changed_table;
extern const struct record_table effect_answer_table;
extern const struct record_table effect_clock_table;

#endif
