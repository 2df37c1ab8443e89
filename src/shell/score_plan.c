/*
 * What the score task decides about its own life.
 *
 * What: the note of an epoch as text, and back; from what is committed and what the log and Redis hold to who
 * the owner is, whether a snapshot is of use, and whether the fold is whole.
 *
 * Why so: slad.outcomes has many writers and no marker, so what a marker says goes with the committed offset
 * of that very partition: one place, moved by the same transaction that carries the answers and the scores.
 * The log itself may be another one than the note was written for (made anew, restored from an older copy):
 * then it ends before what was committed, or the brokers have dropped the note with it.
 *
 * Always true: a snapshot is used only when the committed note is of its lineage and not before it; no number
 * is said before everything is folded that lay in the log when the owner came, open transactions included.
 *
 * Not here: Kafka and Redis (scoring.c, score_load.c, snapshot.c), what policies are (policy_book.c).
 */
#include "shell/score_plan.h"
#include "base/panic.h"
#include "shell/policy_record.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* SCORE_NOTE_FORMAT, and the one before it */
static const char score_note_begins[] = "slad-scores/2 ", score_note_begins_before[] = "slad-scores/1 ";
enum { SCORE_NOTE_HEAD_BYTES = 160, SCORE_HASH_DIGITS = 32 };

/* ---- the note ---- */

void
score_note_write(const struct score_note *note, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    char text[SCORE_NOTE_HEAD_BYTES];

    must(note->keeps_texts && policy_ids_count(note->policies) <= SCORE_NOTE_POLICIES_MAX);
    (void)snprintf(text, sizeof text,
                   "%s%016" PRIx64 "%016" PRIx64 " %" PRIu64 " %016" PRIx64 "%016" PRIx64 " ",
                   score_note_begins, note->lineage.high, note->lineage.low, note->epoch, note->writer.high,
                   note->writer.low);
    buffer_append_text(out, text);
    for (size_t i = 0; i < note->policies.bytes; i++) {
        unsigned char byte = (unsigned char)note->policies.at[i];

        buffer_append_byte(out, digits[byte >> 4]);
        buffer_append_byte(out, digits[byte & 15]);
    }
}

static int
score_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* 16 digits off the front. */
static bool
score_take_hex(struct slice *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text->bytes < SCORE_HASH_DIGITS / 2)
        return false;
    for (size_t i = 0; i < SCORE_HASH_DIGITS / 2; i++) {
        int digit = score_digit(text->at[i]);

        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    text->at += SCORE_HASH_DIGITS / 2;
    text->bytes -= SCORE_HASH_DIGITS / 2;
    *ret_value = value;
    return true;
}

static bool
score_take_space(struct slice *text)
{
    if (text->bytes == 0 || text->at[0] != ' ')
        return false;
    text->at++;
    text->bytes--;
    return true;
}

/* From 1, without zeroes before it. */
static bool
score_take_decimal(struct slice *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t count = 0;

    for (; count < text->bytes && text->at[count] >= '0' && text->at[count] <= '9' && count < 19; count++)
        value = value * 10 + (uint64_t)(text->at[count] - '0');
    text->at += count;
    text->bytes -= count;
    *ret_value = value;
    return value > 0;
}

static bool
score_take_ids(struct slice text, struct buffer *policies)
{
    if (text.bytes % ((size_t)POLICY_ID_BYTES * 2) != 0)
        return false;
    for (size_t i = 0; i < text.bytes; i += 2) {
        int high = score_digit(text.at[i]), low = score_digit(text.at[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buffer_append_byte(policies, (char)(high << 4 | low));
    }
    return true;
}

int
score_note_read(struct slice text, struct score_note *ret_note, struct buffer *policies)
{
    size_t begins_bytes = sizeof score_note_begins - 1, before = policies->bytes;
    struct score_note note = {.epoch = 0};

    if (text.bytes < begins_bytes)
        return -1;
    note.keeps_texts = memcmp(text.at, score_note_begins, begins_bytes) == 0;
    if (!note.keeps_texts && memcmp(text.at, score_note_begins_before, begins_bytes) != 0)
        return -1;
    text.at += begins_bytes;
    text.bytes -= begins_bytes;
    if (!score_take_hex(&text, &note.lineage.high) || !score_take_hex(&text, &note.lineage.low) ||
        !score_take_space(&text) || !score_take_decimal(&text, &note.epoch) || !score_take_space(&text) ||
        !score_take_hex(&text, &note.writer.high) || !score_take_hex(&text, &note.writer.low) ||
        !score_take_space(&text))
        return -1;
    if (!score_take_ids(text, policies)) {
        policies->bytes = before;
        return -1;
    }
    note.policies = (struct slice){buffer_slice(policies).at + before, policies->bytes - before};
    *ret_note = note;
    return 0;
}

/* ---- what was found ---- */

void
score_found_take(struct score_found *found, int64_t offset, struct slice metadata, struct buffer *policies)
{
    if (metadata.at == NULL)
        metadata = (struct slice){"", 0};
    found->committed_offset = offset >= 0 ? offset : MARKER_NO_OFFSET;
    found->has_note = offset >= 0 && score_note_read(metadata, &found->note, policies) == 0;
}

void
score_found_take_ends(struct score_found *found, int64_t committed, int64_t low, int64_t high)
{
    found->feedback_lost |= committed >= 0 && (committed < low || committed > high);
}

/* What was committed lies beyond the end of what there is. */
static bool
score_log_is_another(const struct score_found *found)
{
    return found->log_end >= 0 && found->committed_offset > found->log_end;
}

const char *
score_plan_amiss(const struct score_found *found)
{
    if (found->decided)
        return NULL;
    if (score_log_is_another(found))
        return "slad.outcomes ends before the committed offset: it was made anew, or an older copy was "
               "restored";
    if (found->committed_offset == MARKER_NO_OFFSET && found->has_feedback)
        return "offsets of feedback are committed and none of slad.outcomes: it was made anew, or its offset "
               "was "
               "deleted";
    if (found->feedback_lost)
        return "feedback does not have a committed offset any more: answers were lost before they were "
               "counted, "
               "or the topic was made anew";
    return NULL;
}

bool
score_plan_decide(const struct control_scores *control, struct score_found *found)
{
    const struct hash128 lineage = found->has_note ? found->note.lineage : (struct hash128){0, 0};
    const uint64_t epoch = found->has_note ? found->note.epoch : 0;

    if (score_plan_amiss(found) == NULL || !hash128_equal(control->lineage, lineage) ||
        control->epoch != epoch || control->committed_offset != found->committed_offset ||
        control->feedback_sum != found->feedback_sum)
        return false;
    if (control->verb == CONTROL_FRESH)
        found->has_note = false;
    found->committed_offset = MARKER_NO_OFFSET; /* of a log that is no more */
    found->decided = true;
    found->feedback = control->feedback;
    return true;
}

struct score_note
score_plan_identity(const struct score_found *found, struct hash128 fresh)
{
    if (found->has_note && !score_log_is_another(found))
        return found->note;
    return (struct score_note){.lineage = fresh, .policies = {"", 0}};
}

bool
score_plan_same(const struct score_note *identity, const struct score_found *found)
{
    if (identity->epoch == 0)
        return !found->has_note || score_log_is_another(found);
    return found->has_note && hash128_equal(found->note.lineage, identity->lineage) &&
           found->note.epoch == identity->epoch && hash128_equal(found->note.writer, identity->writer);
}

bool
score_plan_is_left(const struct score_found *decided, const struct score_found *now)
{
    return decided->decided && !decided->has_note && now->has_note &&
           hash128_equal(now->note.lineage, decided->note.lineage) &&
           now->note.epoch == decided->note.epoch && hash128_equal(now->note.writer, decided->note.writer);
}

void
score_plan_missing(struct slice in_force, struct slice known, struct buffer *missing)
{
    for (size_t i = 0; i < policy_ids_count(in_force); i++)
        if (!policy_ids_has(known, policy_ids_get(in_force, i)))
            policy_ids_add(missing, policy_ids_get(in_force, i));
}

/* ---- snapshots ---- */

enum snapshot_verdict
score_plan_judge(struct slice bytes, const struct score_found *found, const struct score_note *identity,
                 uint32_t parts_count, int64_t now_ms, struct snapshot_head *ret_head)
{
    /* records of slad.outcomes are facts and never taken back by a tombstone: a snapshot does not age */
    const struct marker marker = {
        .lineage = identity->lineage, .epoch = identity->epoch, .writer = identity->writer};
    const struct snapshot_question question = {
        .marker = &marker,
        .state_end = found->log_end >= 0 ? found->log_end : INT64_MAX,
        .now_ms = now_ms,
        .age_ms_max = INT64_MAX,
    };
    struct snapshot_head head;
    enum snapshot_verdict verdict = snapshot_judge(bytes, &question, &head);

    if (verdict != SNAPSHOT_FITS)
        return verdict;
    if (head.buckets_count != parts_count || identity->epoch == 0)
        verdict = SNAPSHOT_GARBAGE;
    else if (head.state_offset < found->log_begin)
        verdict = SNAPSHOT_TOO_OLD; /* what came between is gone */
    if (verdict == SNAPSHOT_FITS)
        *ret_head = head;
    else
        snapshot_head_done(&head);
    return verdict;
}

/* ---- how far it has read ---- */

enum score_reach
score_plan_reached(const struct score_found *found, int64_t from_offset, int64_t offset)
{
    if (offset < from_offset || (found->committed_offset != MARKER_NO_OFFSET &&
                                 offset < found->committed_offset && offset >= found->log_end))
        return SCORE_REACH_SHORT;
    return offset < found->log_end ? SCORE_REACH_MORE : SCORE_REACH_WHOLE;
}

/* ---- epochs ---- */

struct score_note
score_plan_next(const struct score_note *identity, struct hash128 writer, struct slice policies)
{
    return (struct score_note){.lineage = identity->lineage,
                               .epoch = identity->epoch + 1,
                               .writer = writer,
                               .policies = policies,
                               .keeps_texts = true};
}
