/*
 * What: a table of texts with numbers and counted references.
 *
 * Why this way: a ticket has a dozen attributes out of a few thousand words; as 32-bit numbers they cost 4
 * bytes and compare in one instruction. Entries lie in an array (number -> text in one step); a table of
 * {hash, number} slots finds the number of a text, with linear probing and no tombstones. Most texts are
 * asked for again and again: short ones are first looked for in a small memo, where two words are the whole
 * text. A stranger who makes them collide there only finds the table behind it.
 *
 * Always true: entry 0 is "none"; an entry with references 0 is free, has no text, and is in the chain of
 * free ones; every entry in use is in exactly one slot; what the memo holds is in use; at most three quarters
 * of the slots are full.
 *
 * Not here: threads, order, persistence (the numbers of two runs differ; write the text).
 */
#include "base/symbols.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"

enum { SLOTS_MIN = 64, ENTRIES_MIN = 64, MEMO_BITS = 9, SHORT_MAX = 16 };

struct entry {
    char *text;
    uint32_t bytes;
    uint32_t references;
    uint64_t hash; /* when free: the next free entry's number */
};

struct slot {
    uint32_t hash;
    symbol number; /* 0: empty */
};

/* A text of up to SHORT_MAX bytes: its first and its last eight (or fewer), which overlap. */
struct brief {
    uint64_t first, last;
    uint32_t bytes;
};

struct memo {
    struct brief text;
    symbol number; /* 0: empty */
};

struct symbols {
    struct memo memo[1 << MEMO_BITS];
    struct entry *entries;
    uint32_t entries_used; /* ever handed out, number 0 included */
    uint32_t entries_room;
    symbol first_free;
    struct slot *slots;
    uint32_t mask;
    uint32_t count;
    size_t text_bytes;
    uint64_t age; /* texts that went */
};

struct symbols *
symbols_new(void)
{
    struct symbols *symbols = memory_allocate_zeroed(1, sizeof *symbols);

    symbols->entries_room = ENTRIES_MIN;
    symbols->entries = memory_allocate_zeroed(ENTRIES_MIN, sizeof *symbols->entries);
    symbols->entries_used = 1;
    symbols->mask = SLOTS_MIN - 1;
    symbols->slots = memory_allocate_zeroed(SLOTS_MIN, sizeof *symbols->slots);
    return symbols;
}

void
symbols_free(struct symbols *symbols)
{
    if (symbols == NULL)
        return;
    for (uint32_t i = 0; i < symbols->entries_used; i++)
        memory_free(symbols->entries[i].text);
    memory_free(symbols->entries);
    memory_free(symbols->slots);
    memory_free(symbols);
}

uint64_t
symbols_hash_text(struct slice text)
{
    return text.at != NULL ? hash_slice(0x736c61642d73796dU, text) : 0;
}

static bool
is_text(const struct symbols *symbols, struct slot slot, uint32_t hash, struct slice text)
{
    const struct entry *entry = &symbols->entries[slot.number];

    return slot.hash == hash && slice_equal((struct slice){entry->text, entry->bytes}, text);
}

/* The slot of this text, or the empty one where it would go. */
static uint32_t
place_of(const struct symbols *symbols, uint64_t hash, struct slice text)
{
    uint32_t i = (uint32_t)hash & symbols->mask;

    while (symbols->slots[i].number != 0 && !is_text(symbols, symbols->slots[i], (uint32_t)hash, text))
        i = (i + 1) & symbols->mask;
    return i;
}

static void
grow_slots(struct symbols *symbols)
{
    struct slot *old = symbols->slots;
    uint32_t old_count = symbols->mask + 1;

    must(old_count <= UINT32_MAX / 4);
    symbols->mask = old_count * 2 - 1;
    symbols->slots = memory_allocate_zeroed((size_t)old_count * 2, sizeof *symbols->slots);
    for (uint32_t i = 0; i < old_count; i++) {
        uint32_t j = old[i].hash & symbols->mask;

        if (old[i].number == 0)
            continue;
        while (symbols->slots[j].number != 0)
            j = (j + 1) & symbols->mask;
        symbols->slots[j] = old[i];
    }
    memory_free(old);
}

static symbol
take_number(struct symbols *symbols)
{
    symbol number = symbols->first_free;

    if (number != 0) {
        symbols->first_free = (symbol)symbols->entries[number].hash;
        return number;
    }
    if (symbols->entries_used == symbols->entries_room) {
        must(symbols->entries_room <= UINT32_MAX / 2);
        symbols->entries_room *= 2;
        symbols->entries = memory_resize(symbols->entries, symbols->entries_room * sizeof *symbols->entries);
    }
    return symbols->entries_used++;
}

static symbol
add(struct symbols *symbols, uint64_t hash, struct slice text)
{
    symbol number = take_number(symbols);

    must(text.bytes < UINT32_MAX);
    symbols->entries[number] = (struct entry){slice_copy(text), (uint32_t)text.bytes, 1, hash};
    symbols->text_bytes += text.bytes + 1;
    if (++symbols->count > (symbols->mask + 1) / 4 * 3)
        grow_slots(symbols);
    symbols->slots[place_of(symbols, hash, text)] = (struct slot){(uint32_t)hash, number};
    return number;
}

/* False: empty, or too long for one. */
static inline bool
make_brief(struct slice text, struct brief *brief)
{
    uint32_t first, last;

    if (text.bytes - 1 >= SHORT_MAX)
        return false;
    brief->bytes = (uint32_t)text.bytes;
    if (text.bytes >= 8) {
        memcpy(&brief->first, text.at, 8);
        memcpy(&brief->last, text.at + text.bytes - 8, 8);
        return true;
    }
    if (text.bytes >= 4) {
        memcpy(&first, text.at, 4);
        memcpy(&last, text.at + text.bytes - 4, 4);
        brief->first = first;
        brief->last = last;
        return true;
    }
    brief->first = (unsigned char)text.at[0];
    brief->last =
        (uint64_t)(unsigned char)text.at[text.bytes / 2] << 8 | (unsigned char)text.at[text.bytes - 1];
    return true;
}

static inline size_t
memo_of(const struct brief *brief)
{
    uint64_t mixed = (brief->first ^ (uint64_t)brief->bytes << 59) * UINT64_C(0x9e3779b97f4a7c15) +
                     brief->last * UINT64_C(0xd1b54a32d192ed03);

    return (size_t)((mixed ^ mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMO_BITS));
}

static inline bool
brief_equal(const struct brief *a, const struct brief *b)
{
    return a->first == b->first && a->last == b->last && a->bytes == b->bytes;
}

symbol
symbols_intern(struct symbols *symbols, struct slice text)
{
    struct memo *memo = NULL;
    struct brief brief;
    uint64_t hash;
    symbol number;

    if (text.at == NULL)
        return 0;
    if (make_brief(text, &brief)) {
        memo = &symbols->memo[memo_of(&brief)];
        if (memo->number != 0 && brief_equal(&memo->text, &brief)) {
            symbols_retain(symbols, memo->number);
            return memo->number;
        }
    }
    hash = symbols_hash_text(text);
    number = symbols->slots[place_of(symbols, hash, text)].number;
    if (number != 0)
        symbols_retain(symbols, number);
    else
        number = add(symbols, hash, text);
    if (memo != NULL)
        *memo = (struct memo){brief, number};
    return number;
}

symbol
symbols_find(const struct symbols *symbols, struct slice text)
{
    struct brief brief;

    if (text.at == NULL)
        return 0;
    if (make_brief(text, &brief)) {
        const struct memo *memo = &symbols->memo[memo_of(&brief)];

        if (memo->number != 0 && brief_equal(&memo->text, &brief))
            return memo->number;
    }
    return symbols->slots[place_of(symbols, symbols_hash_text(text), text)].number;
}

/* Before its number may name another text. */
static void
leave_memo(struct symbols *symbols, symbol number)
{
    const struct entry *entry = &symbols->entries[number];
    struct brief brief;

    if (!make_brief((struct slice){entry->text, entry->bytes}, &brief))
        return;
    if (symbols->memo[memo_of(&brief)].number == number)
        symbols->memo[memo_of(&brief)].number = 0;
}

static struct entry *
entry_of(const struct symbols *symbols, symbol number)
{
    must(number < symbols->entries_used);
    must(symbols->entries[number].references > 0);
    return &symbols->entries[number];
}

void
symbols_retain(struct symbols *symbols, symbol number)
{
    struct entry *entry;

    if (number == 0)
        return;
    entry = entry_of(symbols, number);
    must(entry->references < UINT32_MAX);
    entry->references++;
}

/* Empties slot i: followers that may live nearer to their home move back. */
static void
close_hole(struct symbols *symbols, uint32_t i)
{
    uint32_t j = i;

    for (;;) {
        j = (j + 1) & symbols->mask;
        if (symbols->slots[j].number == 0)
            break;
        if (((j - symbols->slots[j].hash) & symbols->mask) >= ((j - i) & symbols->mask)) {
            symbols->slots[i] = symbols->slots[j];
            i = j;
        }
    }
    symbols->slots[i] = (struct slot){0, 0};
}

void
symbols_release(struct symbols *symbols, symbol number)
{
    struct entry *entry;

    if (number == 0)
        return;
    entry = entry_of(symbols, number);
    if (--entry->references > 0)
        return;
    close_hole(symbols, place_of(symbols, entry->hash, (struct slice){entry->text, entry->bytes}));
    symbols->count--;
    symbols->text_bytes -= (size_t)entry->bytes + 1;
    symbols->age++;
    leave_memo(symbols, number);
    memory_free(entry->text);
    *entry = (struct entry){NULL, 0, 0, symbols->first_free};
    symbols->first_free = number;
}

struct slice
symbols_text(const struct symbols *symbols, symbol number)
{
    const struct entry *entry;

    if (number == 0)
        return (struct slice){NULL, 0};
    entry = entry_of(symbols, number);
    return (struct slice){entry->text, entry->bytes};
}

uint64_t
symbols_hash(const struct symbols *symbols, symbol number)
{
    return number != 0 ? entry_of(symbols, number)->hash : 0;
}

uint64_t
symbols_age(const struct symbols *symbols)
{
    return symbols->age;
}

size_t
symbols_count(const struct symbols *symbols)
{
    return symbols->count;
}

size_t
symbols_bytes(const struct symbols *symbols)
{
    return sizeof *symbols + symbols->entries_room * sizeof *symbols->entries +
           ((size_t)symbols->mask + 1) * sizeof *symbols->slots + symbols->text_bytes;
}
