/*
 * A ticket as bytes, and back: history and marks, nothing derived (slad/engine.h, engine_save).
 *
 * Why texts: symbols are numbers of one process; a record is read by another one, perhaps years later. Each
 * record has its own table of texts, and what follows refers to it. Byte 1 is 'T' (ticket), 'R' (retirement
 * mark) or 'M' (merge.c); varints as in base/varint.h; see put_* below, which read_* mirror line by line. A
 * reader refuses what it does not understand, whole. Since format 3 a ticket's record ends with its rest:
 * whether nothing was left to say of it, until when, and under which circumstances. Where they are still the
 * same a loader need not derive it; a rest that is missing or of other circumstances costs that and nothing
 * else. Always true: save, load, save gives the same bytes. Not here: when to write (shell), what the fold
 * makes of it.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"

enum { TABLE_ROOM_MIN = 32, TABLE_ROOM_KEPT = 4096, BODY_KEPT_BYTES = 65536 };

/* The texts of one record: number i (from 1) is symbols[i - 1]; 0 is none. Most have a handful. */
struct text_table {
    symbol *symbols;
    uint32_t *slots; /* numbers by their symbols, in twice as many places as there is room */
    size_t count, room, held;
};

/* Where a record is put together: its texts are known when the rest of it is. One memory for all records. */
struct saving {
    struct text_table table;
    struct buffer body;
};

static void
table_take_room(struct text_table *table, size_t room)
{
    if (room > table->held) {
        table->symbols = memory_resize(table->symbols, room * sizeof *table->symbols);
        table->slots = memory_resize(table->slots, room * 2 * sizeof *table->slots);
        table->held = room;
    }
    table->room = room;
    memset(table->slots, 0, room * 2 * sizeof *table->slots);
}

static void
table_free(struct text_table *table)
{
    memory_free(table->symbols);
    memory_free(table->slots);
    *table = (struct text_table){0};
}

void
state_init(struct engine *engine)
{
    engine->saving = memory_allocate_zeroed(1, sizeof *engine->saving);
}

void
state_done(struct engine *engine)
{
    buffer_free(&engine->saving->body);
    table_free(&engine->saving->table);
    memory_free(engine->saving);
}

/* For another record. */
static void
saving_begin(struct saving *saving)
{
    if (saving->table.held > TABLE_ROOM_KEPT)
        table_free(&saving->table);
    if (saving->body.room > BODY_KEPT_BYTES)
        buffer_free(&saving->body);
    saving->table.count = 0;
    table_take_room(&saving->table, TABLE_ROOM_MIN);
    buffer_reset(&saving->body);
}

/* Where the symbol's number stands, or would. */
static inline uint32_t *
table_slot(const struct text_table *table, symbol wanted)
{
    size_t mask = table->room * 2 - 1;
    size_t at = (size_t)((wanted * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

    while (table->slots[at] != 0 && table->symbols[table->slots[at] - 1] != wanted)
        at = (at + 1) & mask;
    return &table->slots[at];
}

static void
table_grow(struct text_table *table)
{
    table_take_room(table, table->room * 2);
    for (size_t i = 0; i < table->count; i++)
        *table_slot(table, table->symbols[i]) = (uint32_t)i + 1;
}

static uint64_t
table_number(struct text_table *table, symbol wanted)
{
    uint32_t *slot;

    if (wanted == 0)
        return 0;
    slot = table_slot(table, wanted);
    if (*slot != 0)
        return *slot;
    if (table->count == table->room) {
        table_grow(table);
        slot = table_slot(table, wanted);
    }
    table->symbols[table->count++] = wanted;
    return *slot = (uint32_t)table->count;
}

static void
put_symbol(struct buffer *out, struct text_table *table, symbol number)
{
    buffer_append_varint(out, table_number(table, number));
}

/* Six bytes, an identity, seven numbers, six symbols, and the attributes. */
enum { ENTRY_BYTES_MAX = 6 + 8 + (7 + 6 + ATTRIBUTES_COUNT) * VARINT_BYTES_MAX };

static inline char *
place_symbol(char *at, struct text_table *table, symbol number)
{
    if (number == 0) {
        *at = 0;
        return at + 1;
    }
    return at + varint_put(at, table_number(table, number));
}

/* Room is asked for once. */
static void
put_entry(struct buffer *out, struct text_table *table, const struct entry *entry)
{
    char *const begin = buffer_reserve(out, ENTRY_BYTES_MAX);
    char *at = begin;

    *at++ = (char)entry->type;
    *at++ = (char)entry->actor;
    *at++ = (char)(entry->handled_by | entry->is_public << 2 | entry->canned << 4);
    *at++ = (char)(entry->has_seq | entry->has_waiting_on << 1 | entry->has_created_at << 2 |
                   entry->has_contact << 3 | (entry->clock != 0) << 4);
    at += varint_put_signed(at, entry->at_ms);
    at += varint_put(at, entry->arrived);
    memcpy(at, &entry->identity, sizeof entry->identity);
    at += sizeof entry->identity;
    at += varint_put_signed(at, entry->seq);
    *at++ = (char)entry->waiting_on;
    at += varint_put_signed(at, entry->created_at_ms);
    at += varint_put_signed(at, entry->contact_at_ms);
    at = place_symbol(at, table, entry->source);
    at = place_symbol(at, table, entry->id);
    at = place_symbol(at, table, entry->by);
    at = place_symbol(at, table, entry->other);
    *at++ = (char)entry->kind;
    at = place_symbol(at, table, entry->clock);
    at += varint_put(at, entry->cycle);
    at = place_symbol(at, table, entry->reason);
    at += varint_put(at, entry->present);
    for (unsigned left = entry->present; left != 0; left &= left - 1)
        at = place_symbol(at, table, entry->attributes[__builtin_ctz(left)]);
    buffer_advance(out, (size_t)(at - begin));
}

static void
put_marks(struct buffer *out, struct text_table *table, const struct marks *marks)
{
    buffer_append_varint(out, marks->alerts_count);
    for (uint32_t i = 0; i < marks->alerts_count; i++) {
        const struct alert_mark *mark = &marks->alerts[i];

        buffer_append_byte(out, (char)mark->kind);
        buffer_append_byte(out, (char)mark->state);
        put_symbol(out, table, mark->clock);
        put_symbol(out, table, mark->stage);
        put_symbol(out, table, mark->by);
        buffer_append_varint(out, mark->cycle);
        buffer_append_varint(out, mark->revision);
        buffer_append_varint(out, mark->n);
        buffer_append_varint_signed(out, mark->effective_at_ms);
        buffer_append_varint_signed(out, mark->paged_ms);
    }
    buffer_append_varint(out, marks->verdicts_count);
    for (uint32_t i = 0; i < marks->verdicts_count; i++) {
        const struct verdict_mark *mark = &marks->verdicts[i];

        buffer_append_byte(out, (char)mark->kind);
        buffer_append_byte(out, (char)(mark->verdict | mark->stopped << 3));
        buffer_append_byte(out, (char)mark->measure);
        put_symbol(out, table, mark->agreement);
        buffer_append_varint_signed(out, mark->decided_at_ms);
        put_symbol(out, table, mark->clock);
        buffer_append_varint(out, mark->cycle);
        buffer_append_varint(out, mark->revision);
        buffer_append(out, &mark->content, sizeof mark->content);
    }
    buffer_append_varint(out, marks->ticket_revision);
    buffer_append(out, &marks->ticket_content, sizeof marks->ticket_content);
    buffer_append_byte(out, marks->relay != NULL);
    if (marks->relay != NULL) {
        buffer_append(out, &marks->relay->content, sizeof marks->relay->content);
        put_symbol(out, table, marks->relay->into);
    }
}

/* Of one length, its last byte saying whether it is there: so it can be cut off. */
enum { REST_OPEN = 1, REST_FINAL = 2, REST_TIMER = 4, REST_FLAGS_END = 8 };
enum { REST_BYTES = 1 + 8 + 8 };

static void
put_rest(struct buffer *out, const struct engine *engine, const struct ticket *ticket)
{
    bool has_timer = heap_item_is_in(&ticket->timer);
    int64_t next_ms = has_timer ? ticket->timer.at_ms : 0;

    if (ticket->rests) {
        buffer_append_byte(out, (char)((ticket->open ? REST_OPEN : 0) | (ticket->final ? REST_FINAL : 0) |
                                       (has_timer ? REST_TIMER : 0)));
        buffer_append(out, &next_ms, sizeof next_ms);
        buffer_append(out, &engine->circumstances, sizeof engine->circumstances);
    }
    buffer_append_byte(out, ticket->rests);
}

struct slice
engine_record_facts(struct slice record)
{
    if (record.bytes > 2 && record.at[0] == ENGINE_STATE_FORMAT && record.at[1] == RECORD_TICKET) {
        bool rests = record.at[record.bytes - 1] == 1 && record.bytes > REST_BYTES;

        record.bytes -= rests ? REST_BYTES + 1 : 1;
    }
    return record;
}

bool
engine_save(const struct engine *engine, const struct ticket *ticket, struct buffer *out)
{
    struct text_table *table = &engine->saving->table;
    struct buffer *body = &engine->saving->body;
    struct entry entry;
    uint32_t cursor = 0;

    if (ticket->retired && engine->t_ms >= ticket->retired_at_ms + engine->options.retirement_mark_ms)
        return false;
    buffer_append_byte(out, ENGINE_STATE_FORMAT);
    buffer_append_byte(out, ticket->retired ? RECORD_RETIRED : RECORD_TICKET);
    if (ticket->retired) {
        buffer_append_varint_signed(out, ticket->retired_at_ms);
        return true;
    }
    saving_begin(engine->saving);
    buffer_append_varint_signed(body, ticket->last_arrival_ms);
    buffer_append_varint(body, ticket->history.count);
    while (history_next(&ticket->history, &cursor, &entry))
        put_entry(body, table, &entry);
    put_marks(body, table, &ticket->marks);
    buffer_append_varint_slice(out, policy_set_version(engine->set, ticket->seen_version)->label);
    buffer_append_varint(out, table->count);
    for (size_t i = 0; i < table->count; i++)
        buffer_append_varint_slice(out, engine_text(engine, table->symbols[i]));
    buffer_append(out, body->at, body->bytes);
    put_rest(out, engine, ticket);
    return true;
}

/* ---- how large it may grow ---- */

/* FULL_EVENT_BYTES: what an event adds besides its texts, and what is announced because of it, about; so the
 * record is looked at every now and then, whatever its events say. */
enum { FULL_LOOK_EVERY = 256, FULL_EVENT_BYTES = 256, FULL_MORE_SHARE = 8 };

static size_t
event_weight(const struct event *event)
{
    size_t bytes = FULL_EVENT_BYTES + event->source.bytes + event->by.bytes + event->into.bytes +
                   event->clock.bytes + event->reason.bytes;

    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        if (event->attributes_present & ATTRIBUTE_BIT(i))
            bytes += event->attributes[i].bytes;
    return bytes;
}

bool
engine_is_full(const struct engine *engine, struct ticket *ticket, const struct event *event)
{
    size_t bytes_max = engine->options.ticket_bytes_max, weight = event_weight(event);
    bool by_people = event->type == EVENT_TICKET_DELETED || event->type == EVENT_TICKET_ERASED ||
                     event->type == EVENT_ALERT_ACKNOWLEDGED || event->type == EVENT_VERDICT_EXCUSED;
    struct buffer record = {0};
    size_t bytes;

    if (ticket->full && !by_people)
        return true;
    if (!ticket->full && ticket->spare_bytes >= weight && ticket->history.count % FULL_LOOK_EVERY != 0) {
        ticket->spare_bytes -= (uint32_t)weight;
        return false;
    }
    (void)engine_save(engine, ticket, &record);
    bytes = record.bytes;
    buffer_free(&record);
    ticket->full = bytes > bytes_max;
    ticket->spare_bytes = ticket->full ? 0 : (uint32_t)(bytes_max - bytes);
    return bytes > bytes_max + (by_people ? bytes_max / FULL_MORE_SHARE : 0);
}

/* ---- reading ---- */

enum { STATE_FORMAT_MIN = 2 }; /* without a rest */

struct reader {
    struct slice rest;
    bool bad;
    uint8_t format;
    symbol *symbols; /* one reference each, for as long as the reader lives */
    size_t symbols_count;
    struct symbols *table;
};

static uint64_t
read_number(struct reader *reader)
{
    uint64_t value = 0;

    if (!reader->bad && varint_get(&reader->rest, &value) != 0)
        reader->bad = true;
    return value;
}

static int64_t
read_signed(struct reader *reader)
{
    return varint_unzigzag(read_number(reader));
}

static uint64_t
read_below(struct reader *reader, uint64_t limit)
{
    uint64_t value = read_number(reader);

    reader->bad |= value >= limit;
    return reader->bad ? 0 : value;
}

static uint8_t
read_byte_below(struct reader *reader, unsigned limit)
{
    unsigned value = 0;

    if (reader->bad || reader->rest.bytes == 0) {
        reader->bad = true;
        return 0;
    }
    value = (unsigned char)*reader->rest.at++;
    reader->rest.bytes--;
    reader->bad |= value >= limit;
    return (uint8_t)(value < limit ? value : 0);
}

static uint64_t
read_fixed(struct reader *reader)
{
    uint64_t value = 0;

    if (reader->bad || reader->rest.bytes < sizeof value) {
        reader->bad = true;
        return 0;
    }
    memcpy(&value, reader->rest.at, sizeof value);
    reader->rest.at += sizeof value;
    reader->rest.bytes -= sizeof value;
    return value;
}

/* With one reference of its own. */
static symbol
read_symbol(struct reader *reader)
{
    uint64_t number = read_below(reader, reader->symbols_count + 1);
    symbol found = number > 0 ? reader->symbols[number - 1] : 0;

    symbols_retain(reader->table, found);
    return found;
}

static void
read_entry(struct reader *reader, struct entry *entry)
{
    unsigned words, flags;

    memset(entry, 0, sizeof *entry);
    entry->type = read_byte_below(reader, ENTRY_MERGE_IN + 1);
    entry->actor = read_byte_below(reader, ACTOR_SYSTEM + 1);
    words = read_byte_below(reader, 64);
    entry->handled_by = (uint8_t)(words & 3);
    entry->is_public = (uint8_t)(words >> 2 & 3);
    entry->canned = (uint8_t)(words >> 4 & 3);
    flags = read_byte_below(reader, 32);
    entry->has_seq = flags & 1;
    entry->has_waiting_on = flags >> 1 & 1;
    entry->has_created_at = flags >> 2 & 1;
    entry->has_contact = flags >> 3 & 1;
    entry->at_ms = read_signed(reader);
    entry->arrived = (uint32_t)read_below(reader, UINT32_MAX);
    entry->identity = read_fixed(reader);
    entry->seq = read_signed(reader);
    reader->bad |= entry->seq < 0;
    entry->waiting_on = read_byte_below(reader, 1U << PARTIES_COUNT);
    entry->created_at_ms = read_signed(reader);
    entry->contact_at_ms = read_signed(reader);
    entry->source = read_symbol(reader);
    entry->id = read_symbol(reader);
    entry->by = read_symbol(reader);
    entry->other = read_symbol(reader);
    entry->kind = read_byte_below(reader, KIND_EXPERIENCE);
    entry->clock = read_symbol(reader);
    entry->cycle = (uint32_t)read_below(reader, UINT32_MAX);
    entry->reason = read_symbol(reader);
    reader->bad |= (flags >> 4 & 1) != (entry->clock != 0);
    entry->present = (uint16_t)read_below(reader, 1U << ATTRIBUTES_COUNT);
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++) {
        if (entry->present & ATTRIBUTE_BIT(i))
            entry->attributes[i] = read_symbol(reader);
    }
}

/* An instant further away than this is no instant (years 1 to 9999), and would overflow sums. */
#define INSTANT_SOUND_MIN_MS (-INT64_C(62200000000000))
static bool
instant_is_sound(int64_t at_ms)
{
    return at_ms > INSTANT_SOUND_MIN_MS && at_ms < INT64_C(253500000000000);
}

/* What a history would not keep, no engine has written. */
static bool
says_no_more_than_it_has(const struct entry *entry)
{
    return (entry->has_seq || entry->seq == 0) && (entry->has_waiting_on || entry->waiting_on == 0) &&
           (entry->has_created_at || entry->created_at_ms == 0) &&
           (entry->has_contact || entry->contact_at_ms == 0) &&
           (entry->clock != 0 || (entry->kind == 0 && entry->cycle == 0 && entry->reason == 0)) &&
           entry->handled_by <= HANDLED_BY_HUMAN && entry->is_public <= EVENT_FLAG_TRUE &&
           entry->canned <= EVENT_FLAG_TRUE;
}

static bool
entry_is_sound(const struct entry *entry)
{
    return instant_is_sound(entry->at_ms) &&
           (!entry->has_created_at || instant_is_sound(entry->created_at_ms)) &&
           (!entry->has_contact || instant_is_sound(entry->contact_at_ms)) &&
           (entry->type != EVENT_VERDICT_EXCUSED || entry->clock != 0) && says_no_more_than_it_has(entry);
}

static void
read_alert_marks(struct reader *reader, struct marks *marks)
{
    uint64_t count = read_below(reader, reader->rest.bytes + 1);

    marks->alerts = count > 0 ? memory_allocate_zeroed(mark_room(count), sizeof *marks->alerts) : NULL;
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        struct alert_mark *mark = &marks->alerts[marks->alerts_count++];

        mark->kind = read_byte_below(reader, KIND_EXPERIENCE);
        mark->state = read_byte_below(reader, ALERT_WITHDRAWN + 1);
        mark->clock = read_symbol(reader);
        mark->stage = read_symbol(reader);
        mark->by = read_symbol(reader);
        mark->cycle = (uint32_t)read_below(reader, UINT32_MAX);
        mark->revision = (uint32_t)read_below(reader, UINT32_MAX);
        mark->n = (uint32_t)read_below(reader, UINT32_MAX);
        mark->effective_at_ms = read_signed(reader);
        mark->paged_ms = read_signed(reader);
        reader->bad |= mark->paged_ms < 0 || mark->paged_ms > POLICY_DURATION_MAX_MS * 4;
    }
}

static void
read_verdict_marks(struct reader *reader, struct marks *marks)
{
    uint64_t count = read_below(reader, reader->rest.bytes + 1);

    marks->verdicts = count > 0 ? memory_allocate_zeroed(mark_room(count), sizeof *marks->verdicts) : NULL;
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        struct verdict_mark *mark = &marks->verdicts[marks->verdicts_count++];
        uint8_t verdict;

        mark->kind = read_byte_below(reader, KIND_EXPERIENCE) & 3U;
        verdict = read_byte_below(reader, 16);
        mark->verdict = verdict & 7U;
        mark->stopped = verdict >> 3 & 1U;
        reader->bad |= mark->verdict > VERDICT_VOID;
        mark->measure = read_byte_below(reader, MEASURES_COUNT) & 7U;
        mark->agreement = read_symbol(reader);
        mark->decided_at_ms = read_signed(reader);
        mark->clock = read_symbol(reader);
        mark->cycle = (uint32_t)read_below(reader, UINT32_MAX);
        mark->revision = (uint32_t)read_below(reader, REVISION_MAX) & REVISION_MAX;
        mark->content = read_fixed(reader);
    }
}

static void
read_table(struct reader *reader)
{
    uint64_t count = read_below(reader, reader->rest.bytes + 1);

    reader->symbols = memory_allocate_zeroed(count + 1, sizeof *reader->symbols);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        struct slice text;

        if (varint_get_slice(&reader->rest, &text) != 0) {
            reader->bad = true;
            return;
        }
        reader->symbols[reader->symbols_count++] = symbols_intern(reader->table, text);
    }
}

/* What engine_rest is told, if it is of use here. */
struct rest {
    bool usable, open, final, has_timer;
    int64_t next_ms;
};

static void
read_rest(const struct engine *engine, struct reader *reader, struct rest *rest)
{
    unsigned flags;

    if (reader->bad || reader->rest.bytes <= 1) { /* the last byte: 0, there is none */
        (void)read_byte_below(reader, 1);
        return;
    }
    flags = read_byte_below(reader, REST_FLAGS_END);
    rest->open = (flags & REST_OPEN) != 0;
    rest->final = (flags & REST_FINAL) != 0;
    rest->has_timer = (flags & REST_TIMER) != 0;
    rest->next_ms = (int64_t)read_fixed(reader);
    rest->usable = read_fixed(reader) == engine->circumstances;
    reader->bad |= read_byte_below(reader, 2) != 1;
    reader->bad |= rest->has_timer ? rest->next_ms < INSTANT_SOUND_MIN_MS : rest->next_ms != 0;
}

static void
read_ticket(struct engine *engine, struct reader *reader, struct ticket *ticket, struct rest *ret_rest)
{
    struct slice label;
    uint64_t entries;

    if (varint_get_slice(&reader->rest, &label) != 0) {
        reader->bad = true;
        return;
    }
    for (size_t i = 0; i < policy_set_count(engine->set); i++) {
        if (slice_equal(policy_set_version(engine->set, i)->label, label))
            ticket->seen_version = (uint16_t)i;
    }
    read_table(reader);
    ticket->last_arrival_ms = read_signed(reader);
    reader->bad |= ticket->last_arrival_ms != INSTANT_NONE && !instant_is_sound(ticket->last_arrival_ms);
    entries = read_below(reader, reader->rest.bytes + 1);
    for (uint64_t i = 0; i < entries && !reader->bad; i++) {
        struct entry entry;

        read_entry(reader, &entry);
        reader->bad |= !entry_is_sound(&entry);
        (void)history_insert(&ticket->history, &entry, true);
    }
    read_alert_marks(reader, &ticket->marks);
    read_verdict_marks(reader, &ticket->marks);
    ticket->marks.ticket_revision = (uint32_t)read_below(reader, UINT32_MAX);
    ticket->marks.ticket_content = read_fixed(reader);
    if (read_byte_below(reader, 2) == 1) {
        ticket->marks.relay = memory_allocate_zeroed(1, sizeof *ticket->marks.relay);
        ticket->marks.relay->content = read_fixed(reader);
        ticket->marks.relay->into = read_symbol(reader);
    }
    if (reader->format >= 3)
        read_rest(engine, reader, ret_rest);
    reader->bad |= reader->rest.bytes > 0;
}

static void
reader_done(struct reader *reader)
{
    for (size_t i = 0; i < reader->symbols_count; i++)
        symbols_release(reader->table, reader->symbols[i]);
    memory_free(reader->symbols);
}

int
engine_load(struct engine *engine, struct slice name, struct slice record)
{
    struct reader reader = {.rest = record, .table = engine->options.symbols};
    struct ticket *ticket;
    struct rest rest = {0};
    uint8_t kind;

    reader.format = read_byte_below(&reader, 256);
    kind = read_byte_below(&reader, 256);
    if (reader.bad || reader.format < STATE_FORMAT_MIN || reader.format > ENGINE_STATE_FORMAT ||
        (kind != RECORD_TICKET && kind != RECORD_RETIRED))
        return -1;
    ticket = engine_ticket_new(name);
    ticket->seen_version = 0;
    if (kind == RECORD_RETIRED) {
        ticket->retired = true;
        ticket->retired_at_ms = read_signed(&reader);
        reader.bad |= reader.rest.bytes > 0 || !instant_is_sound(ticket->retired_at_ms);
    } else {
        read_ticket(engine, &reader, ticket, &rest);
    }
    reader_done(&reader);
    if (reader.bad) {
        engine_ticket_drop(engine, ticket);
        return -1;
    }
    engine_forget(engine, name);
    engine_ticket_put(engine, ticket);
    ticket->final = rest.usable && rest.final;
    if (ticket->retired)
        engine_rest(engine, ticket, false, ticket->retired_at_ms + engine->options.retirement_mark_ms);
    else if (rest.usable)
        engine_rest(engine, ticket, rest.open, rest.has_timer ? rest.next_ms : NEVER);
    else
        engine->unsettled_count++;
    return 0;
}
