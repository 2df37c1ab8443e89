/*
 * What: the score side's state as bytes, and back: records only; scopes are counted again.
 *
 * Why this way: what scopes hold follows from the records and the policy, and a policy may have changed
 * since; so a snapshot is as a rebuild whose log was already folded. Symbols and contexts are numbers of one
 * process: each is written in full where it comes first and by its place afterwards.
 *
 * Always true: save, load, save gives the same bytes; what a loaded one does is what the saved one would have
 * done after a rebuild; a state with another format or a wrong sum is refused whole.
 *
 * Not here: when to write, where to.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "base/varint.h"
#include "core/scores_state.h"
#include <stdlib.h>

enum { FORMAT = 1 };
#define SUM_SEED UINT64_C(0x73636f726573)

/* Contexts hold the people that the policy's scopes ask for. */
static unsigned
people_asked_for(const struct scores *scores)
{
    return (unsigned)scores->counts_requester | (unsigned)scores->counts_assignee << 1;
}

/* ---- writing ---- */

struct writer {
    const struct scores *scores;
    struct buffer *out;
    uint32_t *symbols; /* place of each symbol, from 1; 0: not written yet */
    size_t symbols_room;
    uint32_t *contexts, *tickets;
    uint32_t symbols_count, contexts_count;
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
    if (number >= writer->symbols_room) {
        size_t room = (size_t)number * 2 + 64;

        writer->symbols = memory_resize(writer->symbols, room * sizeof *writer->symbols);
        memset(writer->symbols + writer->symbols_room, 0,
               (room - writer->symbols_room) * sizeof *writer->symbols);
        writer->symbols_room = room;
    }
    if (number == 0) {
        put(writer, 0);
    } else if (writer->symbols[number] != 0) {
        put(writer, (uint64_t)writer->symbols[number] + 1);
    } else {
        put(writer, 1);
        put_text(writer, symbols_text(writer->scores->options.symbols, number));
        writer->symbols[number] = ++writer->symbols_count;
    }
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
    if (number == 0) {
        put(writer, 0);
    } else if (writer->contexts[number] != 0) {
        put(writer, (uint64_t)writer->contexts[number] + 1);
    } else {
        put(writer, 1);
        put_values(writer, score_scopes_values(&writer->scores->scopes, number));
        put(writer, ((const struct score_context *)score_store_at(&writer->scores->scopes.contexts, number))
                            ->places_count != SCORE_PLACES_UNKNOWN);
        writer->contexts[number] = ++writer->contexts_count;
    }
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

    put_text(writer, score_texts_get(&writer->scores->texts, ticket->name));
    put_signed(writer, ticket->started_at_ms);
    put_signed(writer, ticket->solved_at_ms);
    put_signed(writer, ticket->counted_at_ms);
    for (int i = 0; i < PARTIES_COUNT; i++)
        put_signed(writer, ticket->wall_ms[i]);
    put_context(writer, ticket->counted_context);
    put(writer, ticket->bounces);
    put(writer, ticket->revision);
    put(writer, ticket->met);
    put(writer, ticket->breached);
    put(writer, ticket->cycle);
    put(writer, ticket->flags & ~(unsigned)(TICKET_COUNTED | TICKET_CREATED | TICKET_REPEATED));
    put(writer, ticket->weight);
    put(writer, ticket->state);
    put(writer, ticket->tier);
    put_versions(writer, ticket);
    put_verdicts(writer, number, ticket);
}

static void
put_tickets(struct writer *writer)
{
    const struct scores *scores = writer->scores;
    uint32_t count = 0;

    put(writer, scores->tickets.count);
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        if (scores_ticket_at(scores, i)->references == 0)
            continue;
        put_ticket(writer, i);
        writer->tickets[i] = ++count;
    }
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
put_answers(struct writer *writer)
{
    const struct scores *scores = writer->scores;

    put(writer, scores->answers.count);
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id == 0)
            continue;
        put_text(writer, score_texts_get(&scores->texts, answer->id));
        put_signed(writer, answer->at_ms);
        put_text(writer,
                 score_texts_get(&scores->texts,
                                 answer->person == 0 ? 0 : scores_person_at(scores, answer->person)->name));
        put(writer, answer->ticket == 0 ? 0 : writer->tickets[answer->ticket]);
        put_context(writer, answer->context);
        put(writer, answer->revision);
        put(writer, answer->flags & ~(unsigned)ANSWER_COUNTED);
        put(writer, answer->score);
        put(writer, answer->own);
        put(writer, answer->lost_minutes);
        put_symbol(writer, scores->scales[answer->scale]);
        put_aspects(writer, answer);
        put_alert(writer, i);
    }
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

static int
compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* In order of their values: a table's own order depends on how it grew. */
static void
put_seen(struct writer *writer, const struct score_seen *seen)
{
    uint64_t *hashes = memory_allocate((seen->count + 1) * sizeof *hashes);
    size_t count = 0;

    for (size_t i = 0; i < seen->room; i++)
        if (seen->hashes[i] != 0)
            hashes[count++] = seen->hashes[i];
    must(count == seen->count);
    if (count > 0)
        qsort(hashes, count, sizeof *hashes, compare_hashes);
    put(writer, count);
    buffer_append(writer->out, hashes, count * sizeof *hashes);
    memory_free(hashes);
}

void
scores_save(const struct scores *scores, struct buffer *out)
{
    struct writer writer = {.scores = scores, .out = out};
    size_t from = out->bytes;
    uint64_t sum;

    writer.contexts = memory_allocate_zeroed((size_t)scores->scopes.contexts.used, sizeof *writer.contexts);
    writer.tickets = memory_allocate_zeroed((size_t)scores->tickets.used, sizeof *writer.tickets);
    buffer_append_byte(out, 'S');
    put(&writer, FORMAT);
    put_signed(&writer, scores->t_ms);
    put(&writer, people_asked_for(scores));
    put_tickets(&writer);
    put_answers(&writer);
    put(&writer, scores->waiting_count);
    for (size_t i = 0; i < scores->waiting_count; i++)
        put_outcome(&writer, &scores->waiting[i].outcome);
    put_contracts(&writer);
    put_seen(&writer, &scores->seen[0]);
    put_seen(&writer, &scores->seen[1]);
    sum = hash_bytes(SUM_SEED, out->at + from, out->bytes - from);
    buffer_append(out, &sum, sizeof sum);
    memory_free(writer.symbols);
    memory_free(writer.contexts);
    memory_free(writer.tickets);
}

/* ---- reading ---- */

struct reader {
    struct scores *scores;
    struct slice from;
    symbol *symbols;    /* by place, one reference each */
    uint32_t *contexts; /* by place, one reference each */
    size_t symbols_count, symbols_room, contexts_count, contexts_room;
    uint32_t tickets_count; /* numbers are places: the store was empty */
    bool bad, people_differ;
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
        ticket->references++;
        verdict->decided_at_ms = get_signed(reader);
        verdict->clock = take_symbol(reader);
        verdict->requester = take_symbol(reader);
        verdict->assignee = take_symbol(reader);
        verdict->cycle = (uint32_t)get(reader);
        verdict->context = take_context(reader);
        verdict->revision = (uint32_t)get(reader);
        verdict->flags = (uint8_t)get(reader);
        verdict->kind = (uint8_t)get(reader);
        *link = place;
        link = &verdict->next;
    }
}

static void
get_ticket(struct reader *reader)
{
    uint32_t number = score_tickets_take(reader->scores, get_text(reader));
    struct score_ticket *ticket = scores_ticket_at(reader->scores, number);

    ticket->started_at_ms = get_signed(reader);
    ticket->solved_at_ms = get_signed(reader);
    ticket->counted_at_ms = get_signed(reader);
    for (int i = 0; i < PARTIES_COUNT; i++)
        ticket->wall_ms[i] = get_signed(reader);
    ticket->counted_context = take_context(reader);
    ticket->bounces = (uint32_t)get(reader);
    ticket->revision = (uint32_t)get(reader);
    ticket->met = (uint16_t)get(reader);
    ticket->breached = (uint16_t)get(reader);
    ticket->cycle = (uint16_t)get(reader);
    ticket->flags = (uint8_t)get(reader);
    ticket->weight = (uint8_t)get(reader);
    ticket->state = (uint8_t)get(reader);
    ticket->tier = (uint8_t)get(reader);
    if ((ticket->flags & TICKET_KNOWN) == 0)
        ticket->references--; /* being known holds one; verdicts and answers hold theirs */
    get_versions(reader, ticket);
    get_verdicts(reader, number, ticket);
    reader->tickets_count = number;
}

static void
get_alert(struct reader *reader, uint32_t answer)
{
    struct score_alert alert = {.answer = answer};

    if (get(reader) == 0)
        return;
    alert.acknowledged_by = score_texts_add(&reader->scores->texts, get_text(reader));
    alert.effective_at_ms = get_signed(reader);
    alert.fired_at_ms = get_signed(reader);
    alert.acknowledged_at_ms = get_signed(reader);
    alert.told = (uint32_t)get(reader);
    alert.settled = (uint32_t)get(reader);
    alert.pages = (uint32_t)get(reader);
    alert.state = (uint8_t)get(reader);
    alert.is_acknowledged = get(reader) != 0;
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

static void
get_answer(struct reader *reader)
{
    struct scores *scores = reader->scores;
    uint32_t number = score_store_take(&scores->answers);
    struct score_answer *answer = scores_answer_at(scores, number);
    struct slice person;
    uint64_t ticket;

    answer->id = score_texts_add(&scores->texts, get_text(reader));
    answer->at_ms = get_signed(reader);
    person = get_text(reader);
    ticket = get(reader);
    reader->bad |= ticket > reader->tickets_count || answer->id == 0;
    answer->context = take_context(reader);
    answer->revision = get(reader) & SCORE_ANSWER_REVISION_MAX;
    answer->flags = get(reader) & 0xff;
    answer->score = get(reader) & ((1U << 21) - 1);
    answer->own = get(reader) & ((1U << ATTRIBUTES_COUNT) - 1);
    answer->lost_minutes = get(reader) & SCORE_ANSWER_LOST_MAX;
    answer->scale = score_answers_scale_number(scores, get_symbol(reader));
    get_aspects(reader, answer);
    if (reader->bad)
        return;
    answer->ticket = (uint32_t)ticket;
    score_answers_adopt(scores, number, person);
    get_alert(reader, number);
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
        score_waiting_take(reader->scores, &outcome);
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
get_seen(struct reader *reader)
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
        score_seen_adopt(reader->scores, hash);
    }
}

static void
read_all(struct reader *reader)
{
    struct scores *scores = reader->scores;

    scores->t_ms = get_signed(reader);
    scores_take_version(scores);
    reader->people_differ = get(reader) != people_asked_for(scores);
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--)
        get_ticket(reader);
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--)
        get_answer(reader);
    for (uint64_t count = get(reader); count > 0 && !reader->bad; count--)
        get_outcome(reader);
    get_contracts(reader);
    get_seen(reader); /* this generation */
    score_seen_turn(scores);
    get_seen(reader);
    score_seen_swap(scores);
}

int
scores_load(struct scores *scores, struct slice state)
{
    struct reader reader = {.scores = scores, .from = state};
    uint64_t sum;

    must(scores->rebuilding && scores->answers.count == 0 && scores->tickets.count == 0);
    if (state.bytes < 2 + sizeof sum || state.at[0] != 'S')
        return -1;
    memcpy(&sum, state.at + state.bytes - sizeof sum, sizeof sum);
    reader.from = (struct slice){state.at + 1, state.bytes - 1 - sizeof sum};
    if (sum != hash_bytes(SUM_SEED, state.at, state.bytes - sizeof sum) || get(&reader) != FORMAT)
        return -1;
    read_all(&reader);
    for (size_t i = 0; i < reader.symbols_count; i++)
        symbols_release(scores->options.symbols, reader.symbols[i]);
    for (size_t i = 0; i < reader.contexts_count; i++)
        score_scopes_release(&scores->scopes, reader.contexts[i]);
    memory_free(reader.symbols);
    memory_free(reader.contexts);
    if (reader.bad || reader.from.bytes != 0)
        return -1;
    if (reader.people_differ) {
        score_tickets_place_people(scores);
        score_answers_place_people(scores);
    }
    scores_count_all(scores);
    return 0;
}
