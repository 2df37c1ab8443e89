/*
 * A ticket's history: packed entries in the order in which they count.
 *
 * Why packed: millions of tickets are resident, and what is read only when a ticket is derived again should
 * cost little to keep. Fields that an event does not carry take no byte; numbers are varints. Why one order:
 * semantics.md section 1.4 and R1 settle which of two events comes first. That is decided here, at insertion,
 * so that a fold only reads on. Always true: entries are sorted by instant; within an instant
 * `ticket.created` stands first, merges from other tickets last, and the places held by one source's events
 * that carry `seq` are filled in order of `seq`. Not here: what an entry does (fold).
 */
#include "core/history.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "base/varint.h"

#define ENTRY_BYTES_MAX 320

/* Those that most events have come first: then a shape is one byte. */
enum {
    HAS_SOURCE = 1 << 0,
    HAS_PRESENT = 1 << 1,
    HAS_WORDS = 1 << 2, /* handled_by, is_public or canned */
    HAS_BY = 1 << 3,
    HAS_SEQ = 1 << 4,
    HAS_ID = 1 << 5,
    HAS_WAITING = 1 << 6,
    HAS_CREATED = 1 << 7,
    HAS_CONTACT = 1 << 8,
    HAS_OTHER = 1 << 9,
    HAS_EXCUSE = 1 << 10
};

bool
history_has_attributes(uint8_t type)
{
    switch (type) {
    case EVENT_TICKET_CREATED:
    case EVENT_TICKET_UPDATED:
    case EVENT_TICKET_MESSAGE:
    case EVENT_TICKET_MERGED:
    case EVENT_TICKET_UNMERGED:
    case EVENT_TICKET_DELETED:
    case EVENT_TICKET_RESTORED:
        return true;
    default:
        return false;
    }
}

uint64_t
history_identity(struct slice source, struct slice id)
{
    return hash_slice(hash_slice(0, source), id);
}

uint64_t
history_identity_with(struct history_source *memo, struct slice source, struct slice id)
{
    if (source.bytes > sizeof memo->text)
        return history_identity(source, id);
    if (!memo->is_known || !slice_equal((struct slice){memo->text, memo->bytes}, source)) {
        if (source.bytes > 0)
            memcpy(memo->text, source.at, source.bytes);
        memo->bytes = source.bytes;
        memo->hash = hash_slice(0, source);
        memo->is_known = true;
    }
    return hash_slice(memo->hash, id);
}

static unsigned
entry_shape(const struct entry *entry)
{
    unsigned shape = 0;

    shape |= entry->has_seq ? HAS_SEQ : 0;
    shape |= entry->has_waiting_on ? HAS_WAITING : 0;
    shape |= entry->has_created_at ? HAS_CREATED : 0;
    shape |= entry->has_contact ? HAS_CONTACT : 0;
    shape |= entry->by != 0 ? HAS_BY : 0;
    shape |= entry->other != 0 ? HAS_OTHER : 0;
    shape |= entry->clock != 0 || entry->reason != 0 ? HAS_EXCUSE : 0;
    shape |= entry->id != 0 ? HAS_ID : 0;
    shape |= entry->source != 0 ? HAS_SOURCE : 0;
    shape |= entry->present != 0 ? HAS_PRESENT : 0;
    shape |= entry->handled_by != 0 || entry->is_public != 0 || entry->canned != 0 ? HAS_WORDS : 0;
    return shape;
}

static char *
put_optional(char *at, const struct entry *entry, unsigned shape)
{
    if (shape & HAS_WORDS)
        at += varint_put(at, (unsigned)(entry->handled_by | entry->is_public << 2 | entry->canned << 4));
    if (shape & HAS_SEQ)
        at += varint_put(at, (uint64_t)entry->seq);
    if (shape & HAS_SOURCE)
        at += varint_put(at, entry->source);
    if (shape & HAS_ID)
        at += varint_put(at, entry->id);
    if (shape & HAS_WAITING)
        at += varint_put(at, entry->waiting_on);
    if (shape & HAS_CREATED)
        at += varint_put_signed(at, entry->at_ms - entry->created_at_ms);
    if (shape & HAS_CONTACT)
        at += varint_put_signed(at, entry->at_ms - entry->contact_at_ms);
    if (shape & HAS_BY)
        at += varint_put(at, entry->by);
    if (shape & HAS_OTHER)
        at += varint_put(at, entry->other);
    if (shape & HAS_EXCUSE) {
        at += varint_put(at, entry->kind);
        at += varint_put(at, entry->clock);
        at += varint_put(at, entry->cycle);
        at += varint_put(at, entry->reason);
    }
    return at;
}

/* The status and the assignee, which change most, come first: then what is present is one byte. */
static inline unsigned
turned(uint16_t present)
{
    return ((unsigned)present << 2 | (unsigned)present >> (ATTRIBUTES_COUNT - 2)) &
           ((1U << ATTRIBUTES_COUNT) - 1);
}

static inline uint16_t
turned_back(unsigned turned)
{
    return (uint16_t)((turned >> 2 | turned << (ATTRIBUTES_COUNT - 2)) & ((1U << ATTRIBUTES_COUNT) - 1));
}

/* Writes the length, its own bytes included, in front: one byte, or 255 and two. */
static size_t
close_entry(char *out, size_t bytes)
{
    if (bytes < 255) {
        out[0] = (char)bytes;
        return bytes;
    }
    memmove(out + 3, out + 1, bytes - 1);
    bytes += 2;
    out[0] = (char)255;
    out[1] = (char)(bytes & 0xff);
    out[2] = (char)(bytes >> 8);
    return bytes;
}

/* The length of the entry at *at, which is moved behind it. */
static inline uint32_t
entry_bytes(const char **at)
{
    const unsigned char *from = (const unsigned char *)*at;

    *at += from[0] < 255 ? 1 : 3;
    return from[0] < 255 ? from[0] : (uint32_t)(from[1] | from[2] << 8);
}

/* Length, shape, type and actor, instant, arrival, identity, what the shape names, attributes. */
static size_t
entry_put(const struct history *history, const struct entry *entry, char *out)
{
    unsigned shape = entry_shape(entry);
    char *at = out + 1;

    at += varint_put(at, shape);
    at += varint_put(at, (unsigned)(entry->type | entry->actor << 5));
    at += varint_put_signed(at, entry->at_ms - history->base_ms);
    at += varint_put(at, entry->arrived);
    memcpy(at, &entry->identity, sizeof entry->identity);
    at += sizeof entry->identity;
    at = put_optional(at, entry, shape);
    if (shape & HAS_PRESENT) {
        at += varint_put(at, turned(entry->present));
        for (unsigned left = entry->present; left != 0; left &= left - 1)
            at += varint_put(at, entry->attributes[__builtin_ctz(left)]);
    }
    return close_entry(out, (size_t)(at - out));
}

static void
get_optional(const char **at, unsigned shape, struct entry *entry)
{
    if (shape & HAS_WORDS) {
        unsigned words = (unsigned)varint_take(at);

        entry->handled_by = words & 3;
        entry->is_public = words >> 2 & 3;
        entry->canned = (uint8_t)(words >> 4);
    }
    if (shape & HAS_SEQ)
        entry->seq = (int64_t)varint_take(at);
    if (shape & HAS_SOURCE)
        entry->source = (symbol)varint_take(at);
    if (shape & HAS_ID)
        entry->id = (symbol)varint_take(at);
    if (shape & HAS_WAITING)
        entry->waiting_on = (uint8_t)varint_take(at);
    if (shape & HAS_CREATED)
        entry->created_at_ms = entry->at_ms - varint_unzigzag(varint_take(at));
    if (shape & HAS_CONTACT)
        entry->contact_at_ms = entry->at_ms - varint_unzigzag(varint_take(at));
    if (shape & HAS_BY)
        entry->by = (symbol)varint_take(at);
    if (shape & HAS_OTHER)
        entry->other = (symbol)varint_take(at);
    if (shape & HAS_EXCUSE) {
        entry->kind = (uint8_t)varint_take(at);
        entry->clock = (symbol)varint_take(at);
        entry->cycle = (uint32_t)varint_take(at);
        entry->reason = (symbol)varint_take(at);
    }
}

bool
history_next(const struct history *history, uint32_t *cursor, struct entry *entry)
{
    const char *at;
    unsigned shape, type;

    if (*cursor == history->used)
        return false;
    at = history->bytes + *cursor;
    memset(entry, 0, sizeof *entry);
    *cursor += entry_bytes(&at);
    shape = (unsigned)varint_take(&at);
    type = (unsigned)varint_take(&at);
    entry->type = type & 31;
    entry->actor = (uint8_t)(type >> 5);
    entry->at_ms = history->base_ms + varint_unzigzag(varint_take(&at));
    entry->arrived = (uint32_t)varint_take(&at);
    memcpy(&entry->identity, at, sizeof entry->identity);
    at += sizeof entry->identity;
    entry->has_seq = (shape & HAS_SEQ) != 0;
    entry->has_waiting_on = (shape & HAS_WAITING) != 0;
    entry->has_created_at = (shape & HAS_CREATED) != 0;
    entry->has_contact = (shape & HAS_CONTACT) != 0;
    get_optional(&at, shape, entry);
    if (shape & HAS_PRESENT) {
        entry->present = turned_back((unsigned)varint_take(&at));
        for (unsigned left = entry->present; left != 0; left &= left - 1)
            entry->attributes[__builtin_ctz(left)] = (symbol)varint_take(&at);
    }
    return true;
}

bool
history_next_attributes(const struct history *history, uint32_t *cursor, symbol *attributes)
{
    struct entry skipped;
    const char *at;
    unsigned shape, type, present;

    if (*cursor == history->used)
        return false;
    at = history->bytes + *cursor;
    *cursor += entry_bytes(&at);
    shape = (unsigned)varint_take(&at);
    if ((shape & HAS_PRESENT) == 0)
        return true;
    type = (unsigned)varint_take(&at) & 31;
    if (!history_has_attributes((uint8_t)type))
        return true;
    (void)varint_take(&at); /* instant, arrival */
    (void)varint_take(&at);
    at += sizeof skipped.identity;
    skipped.at_ms = 0;
    get_optional(&at, shape, &skipped);
    present = turned_back((unsigned)varint_take(&at));
    for (; present != 0; present &= present - 1)
        attributes[__builtin_ctz(present)] = (symbol)varint_take(&at);
    return true;
}

/* One bit of 32 for each identity that is there: most new ones are told at a glance. */
static inline uint32_t
trace_of(uint64_t identity)
{
    return UINT32_C(1) << (identity & 31);
}

bool
history_knows(const struct history *history, uint64_t identity)
{
    uint32_t cursor = 0;

    if ((history->traces & trace_of(identity)) == 0)
        return false;
    while (cursor < history->used) {
        const char *at = history->bytes + cursor;
        uint64_t found;

        cursor += entry_bytes(&at);
        for (int skipped = 0; skipped < 4; skipped++) /* shape, type, instant, arrival */
            (void)varint_take(&at);
        memcpy(&found, at, sizeof found);
        if (found == identity)
            return true;
    }
    return false;
}

int64_t
history_floor_ms(const struct history *history, size_t count_max)
{
    uint32_t cursor = 0;
    struct entry entry;

    if (history->count <= count_max)
        return INSTANT_NONE;
    for (size_t beyond = history->count - count_max; beyond > 1; beyond--) {
        const char *at = history->bytes + cursor;

        cursor += entry_bytes(&at);
    }
    must(history_next(history, &cursor, &entry));
    return entry.at_ms;
}

/* Created first, merges of others last; between them the order of arrival. */
static int
entry_rank(const struct entry *entry)
{
    return entry->type == EVENT_TICKET_CREATED ? 0 : entry->type == ENTRY_MERGE_IN ? 2 : 1;
}

static bool
stands_before(const struct entry *a, const struct entry *b)
{
    if (entry_rank(a) != entry_rank(b))
        return entry_rank(a) < entry_rank(b);
    if (a->type == ENTRY_MERGE_IN)
        return a->identity < b->identity;
    return a->arrived < b->arrived;
}

/* R1: the places held by one source's events that carry seq are filled in order of seq. */
static void
order_by_seq(struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t least = i;
        struct entry kept;

        if (!entries[i].has_seq || entry_rank(&entries[i]) != 1)
            continue;
        for (size_t k = i + 1; k < count; k++) {
            if (!entries[k].has_seq || entry_rank(&entries[k]) != 1 || entries[k].source != entries[i].source)
                continue;
            if (entries[k].seq < entries[least].seq ||
                (entries[k].seq == entries[least].seq && entries[k].arrived < entries[least].arrived))
                least = k;
        }
        kept = entries[i];
        entries[i] = entries[least];
        entries[least] = kept;
    }
}

static void
order_by_arrival(struct entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct entry moved = entries[i];
        size_t k = i;

        for (; k > 0 && stands_before(&moved, &entries[k - 1]); k--)
            entries[k] = entries[k - 1];
        entries[k] = moved;
    }
}

static void
history_reserve(struct history *history, size_t more)
{
    size_t room = (history->used + more + history->used + 31) & ~(size_t)31;

    if (history->used + more <= history->room)
        return;
    must(room <= UINT32_MAX);
    history->bytes = memory_resize(history->bytes, room);
    history->room = (uint32_t)room;
}

void
history_trim(struct history *history)
{
    uint32_t room = (history->used + 31) & ~UINT32_C(31);

    if (history->room <= room)
        return;
    history->bytes = memory_resize(history->bytes, room);
    history->room = room;
}

/* Replaces the bytes [from, to) by these. */
static void
history_splice(struct history *history, uint32_t from, uint32_t to, const char *bytes, size_t count)
{
    uint32_t tail = history->used - to;

    history_reserve(history, count);
    memmove(history->bytes + from + count, history->bytes + to, tail);
    memcpy(history->bytes + from, bytes, count);
    history->used = (uint32_t)(from + count + tail);
}

/* The entries of one instant, the new one among them, in order and packed. Returns whether the new one is the
 * last and the others kept their order. */
static bool
pack_instant(const struct history *history, struct entry *entries, size_t count, struct buffer *out)
{
    uint32_t newest = entries[count - 1].arrived;
    bool kept = true;

    order_by_arrival(entries, count);
    order_by_seq(entries, count);
    kept = entries[count - 1].arrived == newest;
    for (size_t i = 0; i < count; i++) {
        char *at = buffer_reserve(out, ENTRY_BYTES_MAX);

        buffer_advance(out, entry_put(history, &entries[i], at));
    }
    return kept;
}

/* Where the entries of this instant stand: bytes [*ret_from, *ret_to), and how many they are. */
static size_t
find_instant(const struct history *history, int64_t at_ms, uint32_t *ret_from, uint32_t *ret_to)
{
    uint32_t cursor = 0, start = 0;
    struct entry entry;
    size_t count = 0;

    *ret_from = *ret_to = history->used;
    while (start = cursor, history_next(history, &cursor, &entry)) {
        if (entry.at_ms < at_ms)
            continue;
        if (count == 0)
            *ret_from = *ret_to = start;
        if (entry.at_ms > at_ms)
            break;
        *ret_to = cursor;
        count++;
    }
    return count;
}

static void
find_last(struct history *history)
{
    uint32_t cursor = 0, start;
    struct entry entry;

    history->last_from = 0;
    while (start = cursor, history_next(history, &cursor, &entry)) {
        history->last_from = start;
        history->last_at_ms = entry.at_ms;
    }
}

static bool
insert_among(struct history *history, struct entry *entry)
{
    struct buffer packed = {0};
    uint32_t from, to, cursor;
    size_t count = find_instant(history, entry->at_ms, &from, &to);
    struct entry *entries = memory_allocate((count + 1) * sizeof *entries);
    bool last;

    cursor = from;
    for (size_t i = 0; i < count; i++)
        must(history_next(history, &cursor, &entries[i]));
    entries[count] = *entry;
    last = pack_instant(history, entries, count + 1, &packed) && to == history->used;
    history_splice(history, from, to, packed.at, packed.bytes);
    buffer_free(&packed);
    memory_free(entries);
    find_last(history);
    return last;
}

/* Whether the order of R1 puts an entry of the last instant behind all others, seen from the last of them
 * alone: entries of one source stand in order of seq, so the last one has the greatest. */
static bool
goes_last(const struct history *history, const struct entry *entry)
{
    uint32_t cursor = history->last_from;
    struct entry last;

    if (entry->at_ms != history->last_at_ms)
        return entry->at_ms > history->last_at_ms;
    if (entry_rank(entry) != 1 || !history_next(history, &cursor, &last) || entry_rank(&last) > 1)
        return false;
    return !entry->has_seq || (last.has_seq && last.source == entry->source && last.seq <= entry->seq);
}

static void
append(struct history *history, const struct entry *entry)
{
    char packed[ENTRY_BYTES_MAX];
    size_t count = entry_put(history, entry, packed);

    history_reserve(history, count);
    memcpy(history->bytes + history->used, packed, count);
    history->last_from = history->used;
    history->used += (uint32_t)count;
    history->last_at_ms = entry->at_ms;
}

bool
history_insert(struct history *history, struct entry *entry, bool keep_arrived)
{
    bool last = true;

    if (history->count == 0)
        history->base_ms = history->last_at_ms = entry->at_ms;
    if (!keep_arrived)
        entry->arrived = history->arrivals;
    if (entry->arrived >= history->arrivals)
        history->arrivals = entry->arrived + 1;
    history->traces |= trace_of(entry->identity);
    if (history->count == 0 ||
        (keep_arrived ? entry->at_ms > history->last_at_ms : goes_last(history, entry))) {
        append(history, entry);
    } else {
        last = insert_among(history, entry);
    }
    history->count++;
    return last;
}

static void
entry_release(const struct entry *entry, struct symbols *symbols)
{
    symbols_release(symbols, entry->source);
    symbols_release(symbols, entry->id);
    symbols_release(symbols, entry->by);
    symbols_release(symbols, entry->other);
    symbols_release(symbols, entry->clock);
    symbols_release(symbols, entry->reason);
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        symbols_release(symbols, entry->attributes[i]);
}

/* As a reader of the entries alone would count: what was taken out leaves no gap behind (state, the law). */
static void
count_arrivals(struct history *history)
{
    uint32_t cursor = 0;
    struct entry entry;

    history->arrivals = 0;
    while (history_next(history, &cursor, &entry)) {
        if (entry.arrived >= history->arrivals)
            history->arrivals = entry.arrived + 1;
    }
}

bool
history_remove_merge_in(struct history *history, uint64_t identity, struct symbols *symbols)
{
    uint32_t cursor = 0, start;
    struct entry entry;

    while (start = cursor, history_next(history, &cursor, &entry)) {
        if (entry.type != ENTRY_MERGE_IN || entry.identity != identity)
            continue;
        history_splice(history, start, cursor, "", 0);
        history->count--;
        entry_release(&entry, symbols);
        find_last(history);
        count_arrivals(history);
        return true;
    }
    return false;
}

void
history_done(struct history *history, struct symbols *symbols)
{
    uint32_t cursor = 0;
    struct entry entry;

    while (history_next(history, &cursor, &entry))
        entry_release(&entry, symbols);
    memory_free(history->bytes);
    *history = (struct history){0};
}
