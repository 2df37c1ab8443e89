/*
 * What: the score side's state as bytes, in parts, and back: records only; scopes are counted again.
 *
 * Why this way: what scopes hold follows from the records and the policy, and a policy may have changed
 * since; so a snapshot is as a rebuild whose log was already folded. A part is what lies under a range of
 * record numbers: it is found without a search, what is new is nearly always at the end, and records come
 * back in about the order of time, so that chains and series grow at their ends. Records keep their numbers;
 * an answer names its ticket by number and a check of the name, for the ticket's part may be of another
 * instant: a number that means another ticket there, or none, means that the answer was taken up after its
 * ticket's part was saved, or let go of it before: it is left out, and the log behind the snapshot has it.
 * Symbols and contexts are numbers of one process: each part writes them in full where they come first and by
 * their place afterwards.
 *
 * Always true: save, load, save gives the same bytes; what a loaded one does is what the saved one would have
 * done after a rebuild; what follows from other records is not written; bytes that are no part are refused.
 *
 * Not here: when to write, where to, which parts (the shell's snapshot plan).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "base/varint.h"
#include "core/scores_state.h"

enum {
    FORMAT = SCORES_STATE_FORMAT,
    KINDS_COUNT = SCORE_PART_SEEN + 1,
    PARTS_OF_KIND = SCORES_PARTS_COUNT / KINDS_COUNT,
    PART_BITS_TICKETS = 11,
    PART_BITS_ANSWERS = 12,
    PART_BITS_SEEN = 14,
    RECORDS_MAX = PARTS_OF_KIND << PART_BITS_ANSWERS
};
#define SUM_SEED UINT64_C(0x73636f726573)

/* ---- parts ---- */

static unsigned
bits_of(const struct scores *scores, enum score_part_kind kind)
{
    switch (kind) {
    case SCORE_PART_TICKETS:
        return PART_BITS_TICKETS - scores->options.parts_finer;
    case SCORE_PART_ANSWERS:
        return PART_BITS_ANSWERS - scores->options.parts_finer;
    case SCORE_PART_REST: /* from its second on: the events seen of the last generation */
    case SCORE_PART_SEEN:
        break;
    }
    return PART_BITS_SEEN - scores->options.parts_finer;
}

void
score_parts_touch(struct scores *scores, enum score_part_kind kind, uint32_t number)
{
    uint32_t index = number >> bits_of(scores, kind);

    if (scores->watch.part_changed != NULL && index < PARTS_OF_KIND)
        scores->watch.part_changed(scores->watch.context, (uint32_t)kind * PARTS_OF_KIND + index);
}

void
score_parts_touch_all(struct scores *scores)
{
    if (scores->watch.parts_moved != NULL)
        scores->watch.parts_moved(scores->watch.context);
}

bool
scores_has_room_for_parts(const struct scores *scores)
{
    return scores->tickets.used >> bits_of(scores, SCORE_PART_TICKETS) < PARTS_OF_KIND &&
           scores->answers.used >> bits_of(scores, SCORE_PART_ANSWERS) < PARTS_OF_KIND &&
           scores->seen[0].count >> bits_of(scores, SCORE_PART_SEEN) < PARTS_OF_KIND - SCORES_PARTS_OWN &&
           scores->seen[1].count >> bits_of(scores, SCORE_PART_SEEN) < PARTS_OF_KIND - 1;
}

/* The numbers of a part: from `first` up to, not including, `behind`. */
struct range {
    size_t first, behind;
};

static struct range
range_of(const struct scores *scores, enum score_part_kind kind, uint32_t index, size_t used)
{
    unsigned bits = bits_of(scores, kind);
    struct range range = {(size_t)index << bits, ((size_t)index + 1) << bits};

    if (range.behind > used)
        range.behind = used;
    return range;
}

/* Contexts hold the people that the policy's scopes ask for. */
static unsigned
people_asked_for(const struct scores *scores)
{
    return (unsigned)scores->counts_requester | (unsigned)scores->counts_assignee << 1;
}

/* ---- places of what was written before ---- */

/* Numbers of this process, to places from 1 in a part. */
struct places {
    struct {
        uint32_t number, place;
    } * slots; /* number 0: empty */
    size_t room, count;
};

static size_t
places_slot(const struct places *places, uint32_t number)
{
    size_t slot = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (places->room - 1);

    while (places->slots[slot].number != 0 && places->slots[slot].number != number)
        slot = (slot + 1) & (places->room - 1);
    return slot;
}

static void
places_grow(struct places *places)
{
    struct places old = *places;

    places->room = old.room == 0 ? 64 : old.room * 2;
    places->slots = memory_allocate_zeroed(places->room, sizeof *places->slots);
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].number != 0)
            places->slots[places_slot(places, old.slots[i].number)] = old.slots[i];
    memory_free(old.slots);
}

/* Its place; 0: it has none yet, and gets the next one. */
static uint32_t
places_take(struct places *places, uint32_t number)
{
    size_t slot;

    if (places->count + 1 > places->room / 4 * 3)
        places_grow(places);
    slot = places_slot(places, number);
    if (places->slots[slot].number == number)
        return places->slots[slot].place;
    places->slots[slot].number = number;
    places->slots[slot].place = (uint32_t)++places->count;
    return 0;
}

/* ---- writing ---- */

struct writer {
    const struct scores *scores;
    struct buffer *out;
    struct places symbols, contexts;
};

static void
put(struct writer *writer, uint64_t number)
{
    char bytes[VARINT_BYTES_MAX];

    buffer_append(writer->out, bytes, varint_put(bytes, number));
}

static void
put_signed(struct writer *writer, int64_t number)
{
    put(writer, varint_zigzag(number));
}

/* at NULL: 0; else its length and 1, and its bytes. */
static void
put_text(struct writer *writer, struct slice text)
{
    put(writer, text.at == NULL ? 0 : text.bytes + 1);
    if (text.at != NULL)
        buffer_append_slice(writer->out, text);
}

/* 0: none; 1: a new one, its text follows; else its place and 1. */
static void
put_symbol(struct writer *writer, symbol number)
{
    uint32_t place = number == 0 ? 0 : places_take(&writer->symbols, number);

    put(writer, number == 0 ? 0 : (uint64_t)place + 1);
    if (number != 0 && place == 0)
        put_text(writer, symbols_text(writer->scores->options.symbols, number));
}

static void
put_values(struct writer *writer, const struct score_values *values)
{
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        put_symbol(writer, values->of[i]);
}

static void
put_context(struct writer *writer, uint32_t number)
{
    uint32_t place = number == 0 ? 0 : places_take(&writer->contexts, number);

    put(writer, number == 0 ? 0 : (uint64_t)place + 1);
    if (number == 0 || place != 0)
        return;
    put_values(writer, score_scopes_values(&writer->scores->scopes, number));
    put(writer, ((const struct score_context *)score_store_at(&writer->scores->scopes.contexts, number))
                        ->places_count != SCORE_PLACES_UNKNOWN);
}

static void
put_versions(struct writer *writer, const struct score_ticket *ticket)
{
    const struct score_version *version;
    uint64_t count = 0;

    for (uint32_t i = ticket->versions; i != 0; i = version->next, count++)
        version = score_store_at(&writer->scores->versions, i);
    put(writer, count);
    for (uint32_t i = ticket->versions; i != 0; i = version->next) {
        version = score_store_at(&writer->scores->versions, i);
        put_signed(writer, version->from_ms);
        put_context(writer, version->context);
        put_symbol(writer, version->requester);
        put_symbol(writer, version->assignee);
        put(writer, version->cycle);
    }
}

static void
put_verdicts(struct writer *writer, uint32_t number, const struct score_ticket *ticket)
{
    const struct score_verdict *verdict;

    put(writer, score_tickets_verdicts_count(writer->scores, number));
    for (uint32_t i = ticket->verdicts; i != 0; i = verdict->next) {
        verdict = score_store_at(&writer->scores->verdicts, i);
        put_signed(writer, verdict->decided_at_ms);
        put_symbol(writer, verdict->clock);
        put_symbol(writer, verdict->requester);
        put_symbol(writer, verdict->assignee);
        put(writer, verdict->cycle);
        put_context(writer, verdict->context);
        put(writer, verdict->revision);
        put(writer, verdict->flags);
        put(writer, verdict->kind);
    }
}

static void
put_ticket(struct writer *writer, uint32_t number)
{
    const struct score_ticket *ticket = scores_ticket_at(writer->scores, number);
    const unsigned follows = TICKET_COUNTED | TICKET_CREATED | TICKET_REPEATED;

    put_text(writer, score_texts_get(&writer->scores->texts, ticket->name));
    put(writer, ticket->flags & ~follows);
    put_signed(writer, ticket->started_at_ms);
    put_signed(writer, ticket->solved_at_ms);
    for (int i = 0; i < PARTIES_COUNT; i++)
        put_signed(writer, ticket->wall_ms[i]);
    put(writer, ticket->bounces);
    put(writer, ticket->revision);
    put(writer, ticket->cycle);
    put(writer, ticket->state);
    put(writer, ticket->tier);
    put_versions(writer, ticket);
    put_verdicts(writer, number, ticket);
}

/* Each by its distance from where the next one may be, from 1; 0: the end. */
static bool
put_tickets(struct writer *writer, uint32_t index)
{
    const struct scores *scores = writer->scores;
    struct range range = range_of(scores, SCORE_PART_TICKETS, index, scores->tickets.used);
    size_t next = range.first;

    for (size_t i = next; i < range.behind; i++) {
        if (i == 0 || scores_ticket_at(scores, (uint32_t)i)->references == 0)
            continue;
        put(writer, i - next + 1);
        put_ticket(writer, (uint32_t)i);
        next = i + 1;
    }
    put(writer, 0);
    return next != range.first;
}

static void
put_alert(struct writer *writer, uint32_t answer)
{
    uint32_t number = score_detractors_of(writer->scores, answer);
    const struct score_alert *alert;

    put(writer, number != 0);
    if (number == 0)
        return;
    alert = score_store_at(&writer->scores->alerts, number);
    put_text(writer, score_texts_get(&writer->scores->texts, alert->acknowledged_by));
    put_signed(writer, alert->effective_at_ms);
    put_signed(writer, alert->fired_at_ms);
    put_signed(writer, alert->acknowledged_at_ms);
    put(writer, alert->told);
    put(writer, alert->settled);
    put(writer, alert->pages);
    put(writer, alert->state);
    put(writer, alert->is_acknowledged);
}

static void
put_aspects(struct writer *writer, const struct score_answer *answer)
{
    const struct score_answer_aspects *aspects;

    if (answer->aspects == 0) {
        put(writer, 0);
        return;
    }
    aspects = score_store_at(&writer->scores->aspects, answer->aspects);
    put(writer, aspects->count);
    for (uint32_t i = 0; i < aspects->count; i++) {
        put_symbol(writer, aspects->items[i].name);
        put_signed(writer, aspects->items[i].score);
        put_signed(writer, aspects->items[i].answer_class);
    }
}

static void
put_answer(struct writer *writer, uint32_t number)
{
    const struct scores *scores = writer->scores;
    const struct score_answer *answer = scores_answer_at(scores, number);
    const unsigned follows = ANSWER_COUNTED | ANSWER_ANSWERED;

    put_text(writer, score_texts_get(&scores->texts, answer->id));
    put_signed(writer, answer->at_ms);
    put_text(writer,
             score_texts_get(&scores->texts,
                             answer->person == 0 ? 0 : scores_person_at(scores, answer->person)->name));
    put(writer, answer->ticket);
    if (answer->ticket != 0)
        put(writer, score_tickets_name_check(
                        score_texts_get(&scores->texts, scores_ticket_at(scores, answer->ticket)->name)));
    put_context(writer, answer->context);
    put(writer, answer->revision);
    put(writer, answer->flags & ~follows);
    put(writer, answer->score);
    put(writer, answer->own);
    put(writer, answer->lost_minutes);
    put_symbol(writer, scores->scales[answer->scale]);
    put_aspects(writer, answer);
    put_alert(writer, number);
}

static bool
put_answers(struct writer *writer, uint32_t index)
{
    const struct scores *scores = writer->scores;
    struct range range = range_of(scores, SCORE_PART_ANSWERS, index, scores->answers.used);
    size_t next = range.first;

    for (size_t i = next; i < range.behind; i++) {
        if (i == 0 || scores_answer_at(scores, (uint32_t)i)->id == 0)
            continue;
        put(writer, i - next + 1);
        put_answer(writer, (uint32_t)i);
        next = i + 1;
    }
    put(writer, 0);
    return next != range.first;
}

static void
put_outcome(struct writer *writer, const struct answer_outcome *outcome)
{
    const struct feedback *feedback = &outcome->feedback;
    const struct slice texts[] = {
        feedback->id,          feedback->survey,        feedback->touchpoint, feedback->scale,
        feedback->respondent,  outcome->source,         outcome->ticket,      outcome->event,
        outcome->event_source, outcome->acknowledged_by};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text(writer, texts[i]);
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        put_text(writer, outcome->attributes[i]);
    put(writer, (uint64_t)feedback->has_score | (uint64_t)feedback->has_lost_minutes << 1 |
                    (uint64_t)outcome->offered_only << 2 | (uint64_t)outcome->withdrawn << 3 |
                    (uint64_t)outcome->acknowledged << 4);
    put_signed(writer, feedback->score);
    put_signed(writer, feedback->lost_minutes);
    put(writer, (uint64_t)outcome->answer_class);
    put_signed(writer, outcome->answered_at_ms);
    put_signed(writer, outcome->acknowledged_at_ms);
    put(writer, outcome->attributes_own);
    put_signed(writer, outcome->arrival.detected_at_ms);
    put(writer, outcome->arrival.revision);
    put(writer, feedback->aspects_count);
    for (size_t i = 0; i < feedback->aspects_count; i++) {
        put_text(writer, feedback->aspects[i].name);
        put_signed(writer, feedback->aspects[i].score);
    }
}

static void
put_contracts(struct writer *writer)
{
    const struct scores *scores = writer->scores;

    put(writer, scores->contracts_count);
    for (size_t i = 0; i < scores->contracts_count; i++) {
        const struct score_contract *contract = &scores->contracts[i];

        put_symbol(writer, contract->name);
        put(writer, (uint64_t)contract->state);
        put_signed(writer, contract->since_ms);
        put_signed(writer, contract->plan_until_ms);
        put_signed(writer, contract->pxa_decided_ms);
        put_signed(writer, contract->credits_stated_ms);
        put(writer, contract->pxa_revision);
    }
    put(writer, scores->melons_count);
    for (size_t i = 0; i < scores->melons_count; i++) {
        const struct score_melon *melon = &scores->melons[i];

        put_symbol(writer, melon->contract);
        put(writer, melon->dimensions);
        put_values(writer, &melon->values);
        put(writer, melon->ripe);
        put_signed(writer, melon->since_ms);
        put(writer, melon->revision);
    }
}

static bool
put_seen(struct writer *writer, size_t generation, uint32_t index)
{
    const struct score_seen *seen = &writer->scores->seen[generation];
    struct range range = range_of(writer->scores, SCORE_PART_SEEN, index, seen->count);

    if (range.first >= range.behind)
        return false;
    put(writer, range.behind - range.first);
    buffer_append(writer->out, seen->hashes + range.first,
                  (range.behind - range.first) * sizeof *seen->hashes);
    return true;
}

/* What there is little of. How much there is of everything else helps whoever loads it. */
static bool
put_rest(struct writer *writer)
{
    const struct scores *scores = writer->scores;

    put_signed(writer, scores->swept_at_ms);
    put_signed(writer, scores->seen_turned_at_ms);
    put(writer, scores->tickets.count);
    put(writer, scores->answers.count);
    put(writer, scores->people.count);
    put(writer, scores->waiting_count);
    for (size_t i = 0; i < scores->waiting_count; i++)
        put_outcome(writer, &scores->waiting[i].outcome);
    put_contracts(writer);
    return scores->t_ms != INT64_MIN;
}

static bool
put_part(struct writer *writer, enum score_part_kind kind, uint32_t index)
{
    switch (kind) {
    case SCORE_PART_REST:
        return index == 0 ? put_rest(writer) : put_seen(writer, 1, index - 1);
    case SCORE_PART_TICKETS:
        return put_tickets(writer, index);
    case SCORE_PART_ANSWERS:
        return put_answers(writer, index);
    case SCORE_PART_SEEN:
        return put_seen(writer, 0, index);
    }
    panic("a part of no kind");
}

/* Whether all numbers of a part lie behind the last one in use, as most parts' do. */
static bool
lies_behind(const struct scores *scores, enum score_part_kind kind, uint32_t index)
{
    unsigned bits = bits_of(scores, kind);

    switch (kind) {
    case SCORE_PART_REST:
        return index > 0 && (size_t)(index - 1) << bits >= scores->seen[1].count;
    case SCORE_PART_TICKETS:
        return (size_t)index << bits >= scores->tickets.used;
    case SCORE_PART_ANSWERS:
        return (size_t)index << bits >= scores->answers.used;
    case SCORE_PART_SEEN:
        return (size_t)index << bits >= scores->seen[0].count;
    }
    panic("a part of no kind");
}

bool
scores_save_part(const struct scores *scores, uint32_t part, struct buffer *out)
{
    struct writer writer = {.scores = scores, .out = out};
    size_t from = out->bytes;
    bool any;

    must(part < SCORES_PARTS_COUNT);
    if (lies_behind(scores, (enum score_part_kind)(part / PARTS_OF_KIND), part % PARTS_OF_KIND))
        return false;
    buffer_append_byte(out, 'S');
    put(&writer, FORMAT);
    put(&writer, part);
    put(&writer, bits_of(scores, (enum score_part_kind)(part / PARTS_OF_KIND)));
    put_signed(&writer, scores->t_ms);
    put(&writer, people_asked_for(scores));
    any = put_part(&writer, (enum score_part_kind)(part / PARTS_OF_KIND), part % PARTS_OF_KIND);
    if (!any)
        out->bytes = from;
    memory_free(writer.symbols.slots);
    memory_free(writer.contexts.slots);
    return any;
}

void
scores_save(const struct scores *scores, struct buffer *out)
{
    size_t from = out->bytes;
    struct buffer bytes = {0};
    uint64_t sum;

    buffer_append_byte(out, 'W');
    buffer_append_varint(out, FORMAT);
    for (uint32_t part = 0; part < SCORES_PARTS_COUNT; part++) {
        buffer_reset(&bytes);
        if (!scores_save_part(scores, part, &bytes))
            continue;
        buffer_append_varint(out, part);
        buffer_append_varint_slice(out, buffer_slice(&bytes));
    }
    sum = hash_bytes(SUM_SEED, out->at + from, out->bytes - from);
    buffer_append(out, &sum, sizeof sum);
    buffer_free(&bytes);
}

/* ---- reading ---- */

struct reader {
    struct scores *scores;
    struct slice from;
    symbol *symbols;    /* by place, one reference each */
    uint32_t *contexts; /* by place, one reference each */
    size_t symbols_count, symbols_room, contexts_count, contexts_room;
    bool bad;
};

/* From the first part to the end. */
struct score_load {
    uint32_t next; /* parts before it were loaded */
    bool people_differ;
};

static uint64_t
get(struct reader *reader)
{
    uint64_t number = 0;

    if (!reader->bad && varint_get(&reader->from, &number) != 0)
        reader->bad = true;
    return number;
}

static int64_t
get_signed(struct reader *reader)
{
    return varint_unzigzag(get(reader));
}

static struct slice
get_text(struct reader *reader)
{
    uint64_t bytes = get(reader);
    struct slice text = {reader->from.at, (size_t)bytes - 1};

    if (bytes == 0 || reader->bad)
        return (struct slice){NULL, 0};
    if (text.bytes > reader->from.bytes) {
        reader->bad = true;
        return (struct slice){NULL, 0};
    }
    reader->from.at += text.bytes;
    reader->from.bytes -= text.bytes;
    return text;
}

/* Without a reference: the reader holds one until it is done. */
static symbol
get_symbol(struct reader *reader)
{
    uint64_t place = get(reader);

    if (place == 0 || reader->bad)
        return 0;
    if (place == 1) {
        if (reader->symbols_count == reader->symbols_room) {
            reader->symbols_room = reader->symbols_room * 2 + 64;
            reader->symbols = memory_resize(reader->symbols, reader->symbols_room * sizeof *reader->symbols);
        }
        reader->symbols[reader->symbols_count++] =
            symbols_intern(reader->scores->options.symbols, get_text(reader));
        return reader->symbols[reader->symbols_count - 1];
    }
    if (place - 1 > reader->symbols_count) {
        reader->bad = true;
        return 0;
    }
    return reader->symbols[place - 2];
}

static symbol
take_symbol(struct reader *reader)
{
    symbol number = get_symbol(reader);

    symbols_retain(reader->scores->options.symbols, number);
    return number;
}

static struct score_values
get_values(struct reader *reader)
{
    struct score_values values;

    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        values.of[i] = get_symbol(reader);
    return values;
}

/* One reference more, the caller's. */
static uint32_t
take_context(struct reader *reader)
{
    uint64_t place = get(reader);

    if (place == 0 || reader->bad)
        return 0;
    if (place == 1) {
        struct score_values values = get_values(reader);

        if (reader->contexts_count == reader->contexts_room) {
            reader->contexts_room = reader->contexts_room * 2 + 64;
            reader->contexts =
                memory_resize(reader->contexts, reader->contexts_room * sizeof *reader->contexts);
        }
        reader->contexts[reader->contexts_count] = score_scopes_context(&reader->scores->scopes, &values);
        if (get(reader) !=
            0) { /* something counted there: its scopes exist, perhaps with nothing in them by now */
            uint32_t count;

            (void)score_scopes_of(&reader->scores->scopes, reader->contexts[reader->contexts_count], &count);
        }
        reader->contexts_count++;
        place = reader->contexts_count + 1;
    }
    if (place - 1 > reader->contexts_count) {
        reader->bad = true;
        return 0;
    }
    score_scopes_retain(&reader->scores->scopes, reader->contexts[place - 2]);
    return reader->contexts[place - 2];
}

static void
get_versions(struct reader *reader, struct score_ticket *ticket)
{
    uint32_t *link = &ticket->versions;

    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        uint32_t number = score_store_take(&reader->scores->versions);
        struct score_version *version = score_store_at(&reader->scores->versions, number);

        version->from_ms = get_signed(reader);
        version->context = take_context(reader);
        version->requester = take_symbol(reader);
        version->assignee = take_symbol(reader);
        version->cycle = (uint16_t)get(reader);
        *link = number;
        link = &version->next;
    }
}

static void
get_verdicts(struct reader *reader, uint32_t number, struct score_ticket *ticket)
{
    uint32_t *link = &ticket->verdicts;

    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        uint32_t place = score_store_take(&reader->scores->verdicts);
        struct score_verdict *verdict = score_store_at(&reader->scores->verdicts, place);

        verdict->ticket = number;
        verdict->decided_at_ms = get_signed(reader);
        verdict->clock = take_symbol(reader);
        verdict->requester = take_symbol(reader);
        verdict->assignee = take_symbol(reader);
        verdict->cycle = (uint32_t)get(reader);
        verdict->context = take_context(reader);
        verdict->revision = (uint32_t)get(reader);
        verdict->flags = (uint8_t)get(reader);
        verdict->kind = (uint8_t)get(reader);
        reader->bad |= verdict->kind > KIND_EXPERIENCE;
        *link = place;
        link = &verdict->next;
        score_tickets_adopt_verdict(reader->scores, place);
    }
}

/* The next number of a list, from *next on; 0: the list is over. */
static uint32_t
get_number(struct reader *reader, const struct range *range, size_t *next)
{
    uint64_t distance = get(reader);
    size_t number;

    if (distance == 0 || reader->bad)
        return 0;
    if (distance > range->behind - *next) {
        reader->bad = true;
        return 0;
    }
    number = *next + (size_t)distance - 1;
    *next = number + 1;
    return (uint32_t)number;
}

/* Another one of this name is there: this one came again after that one was retired, while the snapshot was
 * made; the log behind it has all of it. */
static void
skip_ticket(struct reader *reader)
{
    for (int i = 0; i < 8 + PARTIES_COUNT; i++)
        (void)get(reader);
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        (void)get(reader);
        score_scopes_release(&reader->scores->scopes, take_context(reader));
        (void)get_symbol(reader);
        (void)get_symbol(reader);
        (void)get(reader);
    }
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        (void)get(reader);
        for (int i = 0; i < 3; i++)
            (void)get_symbol(reader);
        (void)get(reader);
        score_scopes_release(&reader->scores->scopes, take_context(reader));
        for (int i = 0; i < 3; i++)
            (void)get(reader);
    }
}

static void
get_ticket(struct reader *reader, uint32_t number)
{
    struct slice name = get_text(reader);
    struct score_ticket *ticket;

    reader->bad |= name.at == NULL;
    if (reader->bad)
        return;
    if (!score_tickets_adopt(reader->scores, number, name)) {
        skip_ticket(reader);
        return;
    }
    ticket = scores_ticket_at(reader->scores, number);
    ticket->flags = (uint8_t)(get(reader) & (TICKET_KNOWN | TICKET_FINAL | TICKET_REOPENED |
                                             TICKET_FIRST_CONTACT | TICKET_ERASED));
    ticket->started_at_ms = get_signed(reader);
    ticket->solved_at_ms = get_signed(reader);
    for (int i = 0; i < PARTIES_COUNT; i++)
        ticket->wall_ms[i] = get_signed(reader);
    ticket->bounces = (uint32_t)get(reader);
    ticket->revision = (uint32_t)get(reader);
    ticket->cycle = (uint16_t)get(reader);
    ticket->state = (uint8_t)get(reader);
    ticket->tier = (uint8_t)get(reader);
    ticket->references += (ticket->flags & TICKET_KNOWN) != 0; /* verdicts and answers bring theirs */
    get_versions(reader, ticket);
    get_verdicts(reader, number, ticket);
    reader->bad |= (ticket->flags & TICKET_KNOWN) != 0 && ticket->versions == 0;
}

static void
get_tickets(struct reader *reader, uint32_t index)
{
    const struct range range = range_of(reader->scores, SCORE_PART_TICKETS, index, SIZE_MAX);
    size_t next = range.first;
    uint32_t number;

    while ((number = get_number(reader, &range, &next)) != 0)
        get_ticket(reader, number);
}

static void
get_alert(struct reader *reader, uint32_t answer)
{
    struct score_alert alert = {.answer = answer};
    struct slice by;

    if (get(reader) == 0)
        return;
    by = get_text(reader);
    alert.effective_at_ms = get_signed(reader);
    alert.fired_at_ms = get_signed(reader);
    alert.acknowledged_at_ms = get_signed(reader);
    alert.told = (uint32_t)get(reader);
    alert.settled = (uint32_t)get(reader);
    alert.pages = (uint32_t)get(reader);
    alert.state = (uint8_t)get(reader);
    alert.is_acknowledged = get(reader) != 0;
    if (reader->bad || answer == 0)
        return;
    alert.acknowledged_by = score_texts_add(&reader->scores->texts, by);
    score_detractors_adopt(reader->scores, &alert);
}

static void
get_aspects(struct reader *reader, struct score_answer *answer)
{
    uint64_t count = get(reader);
    struct score_answer_aspects *aspects;

    if (count == 0 || count > EVENT_ASPECTS_MAX) {
        reader->bad |= count > 0;
        return;
    }
    answer->aspects = score_store_take(&reader->scores->aspects);
    aspects = score_store_at(&reader->scores->aspects, answer->aspects);
    aspects->items = memory_allocate(count * sizeof *aspects->items);
    for (; aspects->count < count; aspects->count++) {
        struct score_answer_aspect *item = &aspects->items[aspects->count];

        item->name = take_symbol(reader);
        item->score = (int32_t)get_signed(reader);
        item->answer_class = (int8_t)get_signed(reader);
    }
}

/* The ticket under this number, when its name is the one that was meant. */
static uint32_t
get_ticket_of(struct reader *reader, bool *ret_gone)
{
    const struct scores *scores = reader->scores;
    uint64_t number = get(reader), check = number == 0 ? 0 : get(reader);
    const struct score_ticket *ticket;

    *ret_gone = false;
    if (number == 0 || reader->bad)
        return 0;
    *ret_gone = true;
    if (number >= scores->tickets.used)
        return 0;
    ticket = scores_ticket_at(scores, (uint32_t)number);
    if (ticket->name == 0 || score_tickets_name_check(score_texts_get(&scores->texts, ticket->name)) != check)
        return 0;
    *ret_gone = false;
    return (uint32_t)number;
}

static void
get_answer(struct reader *reader, uint32_t number)
{
    struct scores *scores = reader->scores;
    struct score_answer *answer;
    struct slice person;
    bool gone;

    score_store_put(&scores->answers, number);
    answer = scores_answer_at(scores, number);
    answer->id = score_texts_add(&scores->texts, get_text(reader));
    answer->at_ms = get_signed(reader);
    person = get_text(reader);
    answer->ticket = get_ticket_of(reader, &gone);
    answer->context = take_context(reader);
    answer->revision = get(reader) & SCORE_ANSWER_REVISION_MAX;
    answer->flags = get(reader) & 0xff & ~(unsigned)(ANSWER_COUNTED | ANSWER_ANSWERED);
    scores->behind_count += (answer->flags & ANSWER_BEHIND) != 0;
    answer->score = get(reader) & ((1U << 21) - 1);
    answer->own = get(reader) & ((1U << ATTRIBUTES_COUNT) - 1);
    answer->lost_minutes = get(reader) & SCORE_ANSWER_LOST_MAX;
    answer->scale = score_answers_scale_number(scores, get_symbol(reader));
    get_aspects(reader, answer);
    reader->bad |= answer->id == 0 || answer->context == 0;
    if (!reader->bad && !gone)
        gone = !score_answers_adopt(scores, number, person);
    else
        score_answers_disown(scores, number);
    get_alert(reader, gone ? 0 : number);
}

static void
get_answers(struct reader *reader, uint32_t index)
{
    const struct range range = range_of(reader->scores, SCORE_PART_ANSWERS, index, SIZE_MAX);
    size_t next = range.first;
    uint32_t number;

    while ((number = get_number(reader, &range, &next)) != 0)
        get_answer(reader, number);
}

static void
get_outcome(struct reader *reader)
{
    struct answer_outcome outcome = {.answered_at_ms = 0};
    struct feedback *feedback = &outcome.feedback;
    struct slice *texts[] = {&feedback->id,           &feedback->survey,     &feedback->touchpoint,
                             &feedback->scale,        &feedback->respondent, &outcome.source,
                             &outcome.ticket,         &outcome.event,        &outcome.event_source,
                             &outcome.acknowledged_by};
    struct feedback_aspect aspects[EVENT_ASPECTS_MAX];
    uint64_t flags;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = get_text(reader);
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        outcome.attributes[i] = get_text(reader);
    flags = get(reader);
    feedback->has_score = (flags & 1) != 0;
    feedback->has_lost_minutes = (flags & 2) != 0;
    outcome.offered_only = (flags & 4) != 0;
    outcome.withdrawn = (flags & 8) != 0;
    outcome.acknowledged = (flags & 16) != 0;
    feedback->score = (int32_t)get_signed(reader);
    feedback->lost_minutes = (int32_t)get_signed(reader);
    outcome.answer_class = (enum answer_class)get(reader);
    outcome.answered_at_ms = get_signed(reader);
    outcome.acknowledged_at_ms = get_signed(reader);
    outcome.attributes_own = (uint16_t)get(reader);
    outcome.arrival.detected_at_ms = get_signed(reader);
    outcome.arrival.revision = (uint32_t)get(reader);
    for (uint64_t count = get(reader); count > 0 && feedback->aspects_count < EVENT_ASPECTS_MAX; count--) {
        aspects[feedback->aspects_count].name = get_text(reader);
        aspects[feedback->aspects_count++].score = (int32_t)get_signed(reader);
    }
    feedback->aspects = aspects;
    if (!reader->bad)
        score_waiting_adopt(reader->scores, &outcome);
}

static void
get_contracts(struct reader *reader)
{
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        struct score_contract contract = {.name = get_symbol(reader)};

        contract.state = (enum pxa_state)get(reader);
        contract.since_ms = get_signed(reader);
        contract.plan_until_ms = get_signed(reader);
        contract.pxa_decided_ms = get_signed(reader);
        contract.credits_stated_ms = get_signed(reader);
        contract.pxa_revision = (uint32_t)get(reader);
        contract.pxa_next_ms = contract.credits_next_ms = INT64_MAX;
        if (!reader->bad)
            score_contracts_adopt(reader->scores, &contract);
    }
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        struct score_melon melon = {.contract = get_symbol(reader), .check_at_ms = INT64_MIN};

        melon.dimensions = (uint32_t)get(reader);
        melon.values = get_values(reader);
        melon.ripe = get(reader) != 0;
        melon.since_ms = get_signed(reader);
        melon.revision = (uint32_t)get(reader);
        if (!reader->bad)
            score_watermelons_adopt(reader->scores, &melon);
    }
}

static void
get_seen(struct reader *reader, size_t generation)
{
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--) {
        uint64_t hash;

        if (reader->from.bytes < sizeof hash) {
            reader->bad = true;
            return;
        }
        memcpy(&hash, reader->from.at, sizeof hash);
        reader->from.at += sizeof hash;
        reader->from.bytes -= sizeof hash;
        score_seen_adopt(reader->scores, generation, hash);
    }
}

static void
get_rest(struct reader *reader)
{
    struct scores *scores = reader->scores;
    uint64_t tickets, answers, people;

    scores->swept_at_ms = get_signed(reader);
    scores->seen_turned_at_ms = get_signed(reader);
    tickets = get(reader);
    answers = get(reader);
    people = get(reader);
    reader->bad |= tickets > RECORDS_MAX || answers > RECORDS_MAX || people > RECORDS_MAX;
    if (reader->bad)
        return;
    score_index_reserve(&scores->ticket_index, (uint32_t)tickets);
    score_index_reserve(&scores->answer_index, (uint32_t)answers);
    score_index_reserve(&scores->person_index, (uint32_t)people);
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--)
        get_outcome(reader);
    get_contracts(reader);
}

static void
get_part(struct reader *reader, enum score_part_kind kind, uint32_t index)
{
    switch (kind) {
    case SCORE_PART_REST:
        if (index == 0)
            get_rest(reader);
        else
            get_seen(reader, 1);
        break;
    case SCORE_PART_TICKETS:
        get_tickets(reader, index);
        break;
    case SCORE_PART_ANSWERS:
        get_answers(reader, index);
        break;
    case SCORE_PART_SEEN:
        get_seen(reader, 0);
        break;
    }
}

/* The first part sets T; the later ones may be of a later T. */
static void
get_head(struct reader *reader, uint32_t part)
{
    struct scores *scores = reader->scores;
    int64_t t_ms;

    reader->bad |= get(reader) != FORMAT || get(reader) != part ||
                   get(reader) != bits_of(scores, (enum score_part_kind)(part / PARTS_OF_KIND));
    t_ms = get_signed(reader);
    if (!reader->bad && t_ms > scores->t_ms) {
        scores->t_ms = t_ms;
        if (part == 0)
            scores_take_version(scores);
    }
    scores->load->people_differ |= get(reader) != people_asked_for(scores);
}

static void
reader_done(struct reader *reader)
{
    for (size_t i = 0; i < reader->symbols_count; i++)
        symbols_release(reader->scores->options.symbols, reader->symbols[i]);
    for (size_t i = 0; i < reader->contexts_count; i++)
        score_scopes_release(&reader->scores->scopes, reader->contexts[i]);
    memory_free(reader->symbols);
    memory_free(reader->contexts);
}

int
scores_load_part(struct scores *scores, uint32_t part, struct slice bytes)
{
    struct reader reader = {.scores = scores, .from = bytes};

    must(scores->rebuilding && part < SCORES_PARTS_COUNT);
    if (scores->load == NULL) {
        must(scores->answers.count == 0 && scores->tickets.count == 0);
        scores->load = memory_allocate_zeroed(1, sizeof *scores->load);
    }
    if (bytes.bytes == 0 || bytes.at[0] != 'S' || part < scores->load->next ||
        (part == 0) != (scores->load->next == 0))
        return -1;
    reader.from = (struct slice){bytes.at + 1, bytes.bytes - 1};
    scores->load->next = part + 1;
    get_head(&reader, part);
    if (!reader.bad)
        get_part(&reader, (enum score_part_kind)(part / PARTS_OF_KIND), part % PARTS_OF_KIND);
    reader_done(&reader);
    return reader.bad || reader.from.bytes != 0 ? -1 : 0;
}

static bool
ticket_is_in_use(const void *record)
{
    return ((const struct score_ticket *)record)->name != 0;
}

static bool
answer_is_in_use(const void *record)
{
    return ((const struct score_answer *)record)->id != 0;
}

int
scores_load_end(struct scores *scores)
{
    bool begun = scores->load != NULL && scores->load->next > 0, people_differ;

    if (!begun)
        return -1;
    people_differ = scores->load->people_differ;
    memory_free(scores->load);
    scores->load = NULL;
    score_answers_settle(scores);
    score_tickets_settle(scores);
    score_store_collect(&scores->answers, answer_is_in_use);
    score_store_collect(&scores->tickets, ticket_is_in_use);
    if (people_differ) {
        score_tickets_place_people(scores);
        score_answers_place_people(scores);
    }
    if (policy_set_in_force(scores->set, scores->t_ms) != scores->version)
        scores_take_version(scores);
    else
        score_bulk_count(scores);
    return 0;
}

void
scores_watch_parts(struct scores *scores, const struct scores_watch *watch)
{
    scores->watch = *watch;
}

int64_t
scores_t_ms(const struct scores *scores)
{
    return scores->t_ms;
}

int
scores_load(struct scores *scores, struct slice state)
{
    struct slice rest, bytes;
    uint64_t sum, number;

    if (state.bytes < 2 + sizeof sum || state.at[0] != 'W')
        return -1;
    memcpy(&sum, state.at + state.bytes - sizeof sum, sizeof sum);
    if (sum != hash_bytes(SUM_SEED, state.at, state.bytes - sizeof sum))
        return -1;
    rest = (struct slice){state.at + 1, state.bytes - 1 - sizeof sum};
    if (varint_get(&rest, &number) != 0 || number != FORMAT)
        return -1;
    while (rest.bytes > 0)
        if (varint_get(&rest, &number) != 0 || number >= SCORES_PARTS_COUNT ||
            varint_get_slice(&rest, &bytes) != 0 || scores_load_part(scores, (uint32_t)number, bytes) != 0)
            return -1;
    return scores_load_end(scores);
}
