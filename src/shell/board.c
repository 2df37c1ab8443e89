/*
 * What: the present values of the topics, found by key, and the order in which they changed.
 *
 * Why this way: a client of the stream is a number, not a queue: the log of changes holds each key once, at
 * the place of its last change, so "everything after number N" is a walk from there, and a client that was
 * away for an hour costs the same as one that was not. Removed keys stay in the log without a value for a
 * while, for those who must hear of it.
 *
 * Always true: the log's versions rise; an entry stands in the log exactly once, at log_place; bytes is the
 * sum over entries; no version at or above floor has been forgotten. Values are one line of JSON.
 *
 * What one customer may see: what says itself that it is that customer's alone, of the clocks next to break
 * its own, and nothing that is summed up over others. That is decided here and nowhere else (sight_of).
 *
 * Not here: HTTP, who asks, what the values mean (facts.c picks what lists and views go by).
 */
#include "shell/board.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/json.h"
#include "wire/print.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOG_ROOM_MIN = 64, REASONS_MAX = 32, KEY_BYTES_MAX = 1024, OUTCOME_KEY_BYTES = 24 };

struct board_entry {
    enum board_kind kind;
    bool over;        /* an alert that is resolved or withdrawn */
    size_t key_bytes; /* key[0] is the kind, so that one map holds all */
    size_t value_bytes;
    char *value; /* NULL: gone */
    char *facts; /* what it says of itself (facts.h); of one that is gone what it said last */
    size_t facts_bytes;
    struct open_record *open; /* of an `open` record, read; else NULL */
    size_t open_bytes;
    int32_t partition; /* of its topic; -1: not told */
    int64_t at_ms;
    uint64_t version;
    size_t log_place;
    char key[];
};

/* A slot of the log; entry NULL: changed again later. */
struct change {
    uint64_t version;
    struct board_entry *entry;
};

struct board {
    const struct config *config;
    struct metrics *metrics;
    struct log *log;
    uint64_t seed;
    struct json *json;
    struct buffer facts; /* of the record in hand */
    struct map *entries;
    struct change *changes;
    size_t changes_count, changes_room, changes_live;
    uint64_t version;
    uint64_t floor;                    /* what is older may have been forgotten */
    uint64_t oldest_outcome, outcomes; /* numbers of the outcomes kept: [oldest, outcomes) */
    size_t live[BOARD_KINDS_COUNT];
    size_t over_count, gone_count, bytes;
    char *reasons[REASONS_MAX];
    size_t reasons_count;
    int64_t lag_records;
    int32_t partition; /* of the record in hand */
};

static const char *const kind_texts[] = {
    [BOARD_ALERTS] = "alerts", [BOARD_SCORES] = "scores", [BOARD_OUTCOMES] = "outcomes"};

enum { FORMER_MAX = 8 }; /* customers whose an entry was before */

static struct slice
entry_map_key(const void *value)
{
    const struct board_entry *entry = value;

    return (struct slice){entry->key, entry->key_bytes};
}

static struct slice
entry_key(const struct board_entry *entry)
{
    return (struct slice){entry->key + 1, entry->key_bytes - 1};
}

static size_t
entry_bytes(const struct board_entry *entry)
{
    return sizeof *entry + entry->key_bytes + (entry->value != NULL ? entry->value_bytes : 0) +
           entry->facts_bytes + entry->open_bytes;
}

static void
entry_free(struct board_entry *entry)
{
    memory_free(entry->value);
    memory_free(entry->facts);
    memory_free(entry->open);
    memory_free(entry);
}

struct board *
board_new(const struct config *config, struct metrics *metrics, struct log *log, uint64_t seed)
{
    struct board *board = memory_allocate_zeroed(1, sizeof *board);

    board->config = config;
    board->metrics = metrics;
    board->log = log;
    board->seed = seed;
    board->json = json_new();
    board->entries = map_new(entry_map_key, seed);
    return board;
}

void
board_free(struct board *board)
{
    size_t cursor = 0;
    struct board_entry *entry;

    if (board == NULL)
        return;
    while ((entry = map_each(board->entries, &cursor)) != NULL)
        entry_free(entry);
    map_free(board->entries);
    buffer_free(&board->facts);
    json_free(board->json);
    memory_free(board->changes);
    for (size_t i = 0; i < board->reasons_count; i++)
        memory_free(board->reasons[i]);
    memory_free(board);
}

/* ---- the log of changes ---- */

static void
log_compact(struct board *board)
{
    size_t kept = 0;

    for (size_t i = 0; i < board->changes_count; i++) {
        struct board_entry *entry = board->changes[i].entry;

        if (entry == NULL)
            continue;
        entry->log_place = kept;
        board->changes[kept++] = board->changes[i];
    }
    board->changes_count = kept;
}

static void
log_remove(struct board *board, struct board_entry *entry)
{
    board->changes[entry->log_place].entry = NULL;
    board->changes_live--;
}

static void
log_append(struct board *board, struct board_entry *entry)
{
    if (board->changes_count == board->changes_room && board->changes_live <= board->changes_room / 2)
        log_compact(board);
    if (board->changes_count == board->changes_room) {
        board->changes_room = board->changes_room == 0 ? LOG_ROOM_MIN : board->changes_room * 2;
        board->changes = memory_resize(board->changes, board->changes_room * sizeof *board->changes);
    }
    entry->version = ++board->version;
    entry->log_place = board->changes_count;
    board->changes[board->changes_count++] = (struct change){entry->version, entry};
    board->changes_live++;
}

/* The first slot whose version is above this one. */
static size_t
log_find(const struct board *board, uint64_t version)
{
    size_t low = 0;
    size_t high = board->changes_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (board->changes[middle].version <= version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- entries ---- */

/* What is not in the sums while it changes: every change of an entry's value stands between these two. */
static void
entry_uncount(struct board *board, const struct board_entry *entry)
{
    board->bytes -= entry_bytes(entry);
    board->live[entry->kind] -= entry->value != NULL;
    board->over_count -= entry->over;
    board->gone_count -= entry->value == NULL;
}

static void
entry_count(struct board *board, const struct board_entry *entry)
{
    board->bytes += entry_bytes(entry);
    board->live[entry->kind] += entry->value != NULL;
    board->over_count += entry->over;
    board->gone_count += entry->value == NULL;
}

/* Without a trace: readers that have not seen its last change cannot hear of it any more. */
static void
entry_forget(struct board *board, struct board_entry *entry)
{
    entry_uncount(board, entry);
    log_remove(board, entry);
    map_remove(board->entries, entry_map_key(entry));
    if (entry->kind != BOARD_OUTCOMES && entry->version > board->floor)
        board->floor = entry->version;
    entry_free(entry);
}

/* Whose it was before stays known, so that those who were shown it hear that it is theirs no more. Who was
 * one of too many customers ago must start over. */
static void
keep_former(struct board *board, const struct board_entry *entry)
{
    struct slice before = {entry->facts, entry->facts_bytes}, customer = facts_get(before, FACT_CUSTOMER),
                 one;
    struct slice now = facts_get(buffer_slice(&board->facts), FACT_CUSTOMER);
    size_t count = 0, cursor = 0;
    struct buffer former = {0};

    if (customer.at != NULL && (now.at == NULL || !slice_equal(customer, now)))
        facts_add(&former, FACT_FORMER, customer), count++;
    while ((one = facts_next(before, FACT_FORMER, &cursor)).at != NULL) {
        if (facts_has(buffer_slice(&former), FACT_FORMER, one) || (now.at != NULL && slice_equal(one, now)))
            continue;
        if (count++ < FORMER_MAX)
            facts_add(&former, FACT_FORMER, one);
        else
            board->floor = board->version + 1;
    }
    buffer_append_slice(&board->facts, buffer_slice(&former));
    buffer_free(&former);
}

/* What the record in hand says of itself; of one that goes it stays. */
static void
entry_put_facts(struct board *board, struct board_entry *entry)
{
    keep_former(board, entry);
    memory_free(entry->facts);
    entry->facts_bytes = board->facts.bytes;
    entry->facts = entry->facts_bytes > 0 ? memory_copy(board->facts.at, board->facts.bytes) : NULL;
}

static void
entry_put_open(struct board *board, struct board_entry *entry, const struct cJSON *object)
{
    memory_free(entry->open);
    entry->open = object != NULL && entry->kind == BOARD_SCORES && entry->key_bytes > 6 &&
                          memcmp(entry->key + 1, "open/", 5) == 0
                      ? open_json_read(board->json, object)
                      : NULL;
    entry->open_bytes = entry->open != NULL
                            ? sizeof *entry->open + entry->open->clocks_count * sizeof *entry->open->clocks
                            : 0;
}

/* object: the value, as the door has just read it; NULL with no value. */
static void
entry_put_value(struct board *board, struct board_entry *entry, struct slice value, int64_t at_ms, bool over,
                const struct cJSON *object)
{
    entry_uncount(board, entry);
    log_remove(board, entry);
    if (object != NULL)
        entry_put_facts(board, entry);
    entry_put_open(board, entry, object);
    memory_free(entry->value);
    entry->value = NULL;
    entry->value_bytes = value.bytes;
    entry->over = over;
    entry->at_ms = at_ms;
    if (value.bytes > 0) {
        entry->value = memory_copy(value.at, value.bytes);
        /* Line breaks are blanks between tokens of JSON; inside its texts they do not stand bare. */
        for (size_t i = 0; i < value.bytes; i++)
            if (entry->value[i] == '\n' || entry->value[i] == '\r')
                entry->value[i] = ' ';
    }
    log_append(board, entry);
    entry_count(board, entry);
}

static struct board_entry *
entry_new(struct board *board, struct slice map_key)
{
    struct board_entry *entry = memory_allocate_zeroed(1, sizeof *entry + map_key.bytes);

    entry->kind = (enum board_kind)(map_key.at[0] - 'a');
    entry->key_bytes = map_key.bytes;
    memcpy(entry->key, map_key.at, map_key.bytes);
    map_put(board->entries, entry);
    log_append(board, entry);
    entry_count(board, entry);
    return entry;
}

/* ---- bounds ---- */

/* Removes the oldest entries that are gone or over, down to the number of each that is kept. */
static void
forget_oldest(struct board *board, size_t gone_kept, size_t over_kept)
{
    for (size_t i = 0;
         i < board->changes_count && (board->gone_count > gone_kept || board->over_count > over_kept); i++) {
        struct board_entry *entry = board->changes[i].entry;

        if (entry == NULL)
            continue;
        if ((entry->value == NULL && board->gone_count > gone_kept) ||
            (entry->over && board->over_count > over_kept))
            entry_forget(board, entry);
    }
}

static int64_t
records_max(const struct board *board, enum board_kind kind)
{
    return kind == BOARD_ALERTS ? board->config->board_alerts_max : board->config->board_scores_max;
}

static bool
fits(const struct board *board, enum board_kind kind, bool known, size_t more_bytes)
{
    if (!known && kind != BOARD_OUTCOMES && (int64_t)board->live[kind] >= records_max(board, kind))
        return false;
    return board->bytes + more_bytes <= (size_t)board->config->board_bytes_max;
}

/* Alerts that are over give way, a quarter of them at a time so that it is seldom done. */
static bool
make_room(struct board *board, enum board_kind kind, bool known, size_t more_bytes)
{
    while (!fits(board, kind, known, more_bytes)) {
        if (board->over_count == 0)
            return false;
        forget_oldest(board, SIZE_MAX, board->over_count - board->over_count / 4 - 1);
    }
    return true;
}

static void
count_present(struct board *board)
{
    for (size_t i = 0; i < BOARD_KINDS_COUNT; i++)
        metrics_set(board->metrics, METRIC_BOARD_RECORDS, i, (int64_t)board->live[i]);
    metrics_set(board->metrics, METRIC_BOARD_BYTES, 0, (int64_t)board->bytes);
}

static void
refuse(struct board *board, enum board_kind kind, struct slice key, const char *why)
{
    metrics_add(board->metrics, METRIC_BOARD_REFUSED, kind, 1);
    log_write(board->log, LOG_WARNING, "board_record_refused", LOG_TEXT("kind", kind_texts[kind]),
              LOG_SLICE("key", key), LOG_TEXT("why", why));
}

/* Which bound it is that refuses. */
static void
refuse_at_bound(struct board *board, enum board_kind kind, struct slice key, bool known)
{
    enum config_key bound = CONFIG_board_bytes_max;

    if (!known && kind != BOARD_OUTCOMES && (int64_t)board->live[kind] >= records_max(board, kind))
        bound = kind == BOARD_ALERTS ? CONFIG_board_alerts_max : CONFIG_board_scores_max;
    metrics_bound_hit(board->metrics, bound);
    refuse(board, kind, key, config_key_text(bound));
}

/* ---- records ---- */

/* The value and what it says of itself, into board->facts; NULL: no JSON object. ret_over: an alert that is
 * over. */
static const struct cJSON *
read_value(struct board *board, struct slice map_key, struct slice value, bool *ret_over,
           char detail[JSON_DETAIL_BYTES])
{
    const struct cJSON *object;
    struct slice state;

    if (json_read(board->json, value, &object, detail) != ERROR_NONE)
        return NULL;
    buffer_reset(&board->facts);
    facts_read(board->json, object, (struct slice){map_key.at + 1, map_key.bytes - 1}, &board->facts);
    state = facts_get(buffer_slice(&board->facts), FACT_STATE);
    *ret_over = map_key.at[0] - 'a' == BOARD_ALERTS && state.at != NULL &&
                (slice_is(state, "resolved") || slice_is(state, "withdrawn"));
    return object;
}

static void
remove_key(struct board *board, struct board_entry *entry, int64_t at_ms)
{
    if (entry == NULL || entry->value == NULL)
        return;
    entry_put_value(board, entry, (struct slice){NULL, 0}, at_ms, false, NULL);
    if ((int64_t)board->gone_count > board->config->board_gone_max) /* a quarter at a time: it costs a walk */
        forget_oldest(board, (size_t)board->config->board_gone_max / 4 * 3, SIZE_MAX);
}

static void
make_outcome_key(uint64_t number, char key[OUTCOME_KEY_BYTES])
{
    snprintf(key, OUTCOME_KEY_BYTES, "%c%020" PRIu64, 'a' + BOARD_OUTCOMES, number);
}

static void
drop_old_outcomes(struct board *board)
{
    while (board->outcomes - board->oldest_outcome > (uint64_t)board->config->board_outcomes_max) {
        char key[OUTCOME_KEY_BYTES];
        struct board_entry *entry;

        make_outcome_key(board->oldest_outcome++, key);
        entry = map_get(board->entries, slice_of(key));
        if (entry != NULL) /* it may have been refused */
            entry_forget(board, entry);
    }
}

static void
put(struct board *board, struct slice map_key, struct slice value, int64_t at_ms)
{
    enum board_kind kind = (enum board_kind)(map_key.at[0] - 'a');
    struct slice key = {map_key.at + 1, map_key.bytes - 1};
    struct board_entry *entry = map_get(board->entries, map_key);
    bool known = entry != NULL && entry->value != NULL;
    size_t before = known ? entry->value_bytes : 0;
    char detail[JSON_DETAIL_BYTES];
    bool over = false;
    const struct cJSON *object = read_value(board, map_key, value, &over, detail);

    if (object == NULL) {
        refuse(board, kind, key, detail);
        return;
    }
    /* The entry itself may be over and go with the others. */
    if (entry != NULL && entry->over) {
        entry_uncount(board, entry);
        entry->over = false;
        entry_count(board, entry);
    }
    if (value.bytes > before &&
        !make_room(board, kind, known, value.bytes - before + (known ? 0 : sizeof *entry + map_key.bytes))) {
        refuse_at_bound(board, kind, key, known);
        remove_key(board, entry, at_ms);
        return;
    }
    if (entry == NULL)
        entry = entry_new(board, map_key);
    entry_put_value(board, entry, value, at_ms, over, object);
    entry->partition = board->partition;
}

bool
board_wants_outcome(const struct board *board, int64_t behind_it)
{
    return behind_it < board->config->board_outcomes_max;
}

void
board_record(struct board *board, enum board_kind kind, struct slice key, struct slice value, int64_t at_ms)
{
    board_record_from(board, kind, -1, key, value, at_ms);
}

void
board_record_from(struct board *board, enum board_kind kind, int32_t partition, struct slice key,
                  struct slice value, int64_t at_ms)
{
    char map_key[1 + KEY_BYTES_MAX];
    char outcome_key[OUTCOME_KEY_BYTES];
    struct slice whole = {map_key, key.bytes + 1};

    board->partition = partition;
    if (kind == BOARD_OUTCOMES) {
        if (value.bytes == 0 || board->config->board_outcomes_max == 0)
            return;
        make_outcome_key(board->outcomes++, outcome_key);
        put(board, slice_of(outcome_key), value, at_ms);
        drop_old_outcomes(board);
    } else if (key.bytes == 0 || key.bytes > KEY_BYTES_MAX || !json_is_utf8(key)) {
        refuse(board, kind, key, "its key is empty, too long or no UTF-8");
    } else {
        map_key[0] = (char)('a' + kind);
        memcpy(map_key + 1, key.at, key.bytes);
        if (value.bytes == 0)
            remove_key(board, map_get(board->entries, whole), at_ms);
        else
            put(board, whole, value, at_ms);
    }
    count_present(board);
}

/* ---- readiness ---- */

void
board_set_ready(struct board *board, const char *const *reasons, size_t reasons_count)
{
    for (size_t i = 0; i < board->reasons_count; i++)
        memory_free(board->reasons[i]);
    board->reasons_count = reasons_count < REASONS_MAX ? reasons_count : REASONS_MAX;
    for (size_t i = 0; i < board->reasons_count; i++)
        board->reasons[i] = memory_copy(reasons[i], strlen(reasons[i]) + 1);
    metrics_set(board->metrics, METRIC_READY, 0, reasons_count == 0);
}

bool
board_ready(const struct board *board)
{
    return board->reasons_count == 0;
}

size_t
board_reasons_count(const struct board *board)
{
    return board->reasons_count;
}

const char *
board_reason(const struct board *board, size_t i)
{
    must(i < board->reasons_count);
    return board->reasons[i];
}

void
board_set_lag(struct board *board, int64_t lag_records)
{
    board->lag_records = lag_records;
}

int64_t
board_lag(const struct board *board)
{
    return board->lag_records;
}

/* ---- readers ---- */

uint64_t
board_seed(const struct board *board)
{
    return board->seed;
}

uint64_t
board_version(const struct board *board)
{
    return board->version;
}

bool
board_remembers(const struct board *board, uint64_t version)
{
    return version <= board->version && version >= board->floor;
}

/* ---- who may see what ---- */

enum sight { SIGHT_NONE, SIGHT_GONE, SIGHT_WHOLE, SIGHT_OWN };

static struct slice
entry_facts(const struct board_entry *entry)
{
    return (struct slice){entry->facts, entry->facts_bytes};
}

/* Whether it says itself that it is this customer's alone. What is of a contract is so when the contract is;
 * everything else is summed up over several, or says nothing. */
static bool
is_own(const struct board_entry *entry, const struct board_view *view)
{
    struct slice facts = entry_facts(entry), contract = facts_get(facts, FACT_CONTRACT),
                 type = facts_get(facts, FACT_TYPE);
    bool of_contract = type.at != NULL && (slice_is(type, "pxa") || slice_is(type, "credit") ||
                                           slice_is(type, "watermelon") || slice_is(type, "attainment") ||
                                           slice_is(type, "contract") || slice_is(type, "score"));

    if (facts_has(facts, FACT_CUSTOMER, view->customer))
        return true;
    return of_contract && contract.at != NULL && view->owns != NULL &&
           view->owns(view->context, contract, view->customer);
}

static enum sight
sight_of(const struct board_entry *entry, const struct board_view *view)
{
    if (view == NULL || view->customer.at == NULL)
        return entry->value != NULL ? SIGHT_WHOLE : SIGHT_GONE;
    if (entry->open != NULL)
        return SIGHT_OWN;
    if (is_own(entry, view))
        return entry->value != NULL ? SIGHT_WHOLE : SIGHT_GONE;
    return facts_has(entry_facts(entry), FACT_FORMER, view->customer) ? SIGHT_GONE : SIGHT_NONE;
}

static void
print_entry(struct buffer *out, const struct board_entry *entry, const struct board_view *view)
{
    enum sight sight = sight_of(entry, view);

    buffer_append_byte(out, '{');
    print_key(out, "kind");
    print_text(out, slice_of(kind_texts[entry->kind]));
    print_key(out, "key");
    print_text(out, entry_key(entry));
    print_key(out, "at");
    print_instant(out, entry->at_ms);
    print_key(out, "value");
    if (sight == SIGHT_WHOLE)
        buffer_append(out, entry->value, entry->value_bytes);
    else if (sight == SIGHT_OWN)
        open_json_print_for(out, entry->open, view->customer);
    else
        buffer_append_text(out, "null");
    buffer_append_byte(out, '}');
}

/* Whether a reader of the changes hears of it. One that starts over does not hear of what is gone or over. */
static bool
is_news(const struct board_entry *entry, unsigned kinds, const struct board_view *view, bool afresh)
{
    enum sight sight;

    if (entry == NULL || !(kinds & BOARD_BIT(entry->kind)))
        return false;
    sight = sight_of(entry, view);
    return sight != SIGHT_NONE && !(afresh && (sight == SIGHT_GONE || entry->over));
}

uint64_t
board_changes(const struct board *board, uint64_t version, unsigned kinds, const struct board_view *view,
              size_t bytes_max, struct buffer *out)
{
    size_t begin = out->bytes;
    bool afresh = version == 0;

    for (size_t i = log_find(board, version); i < board->changes_count; i++) {
        const struct board_entry *entry = board->changes[i].entry;

        if (!is_news(entry, kinds, view, afresh))
            continue;
        if (out->bytes > begin && out->bytes - begin + entry_bytes(entry) > bytes_max)
            return version;
        print_comma(out);
        print_entry(out, entry, view);
        version = entry->version;
    }
    return board->version;
}

/* ---- pages ---- */

/* The entries with the least keys found so far, as a heap with the greatest of them on top. */
struct selection {
    const struct board_entry **found;
    size_t count, most;
};

static bool
is_behind(const struct board_entry *a, const struct board_entry *b)
{
    return slice_compare(entry_key(a), entry_key(b)) > 0;
}

static void
sink(struct selection *selection, size_t place)
{
    const struct board_entry **found = selection->found;
    size_t child;

    while ((child = 2 * place + 1) < selection->count) {
        const struct board_entry *moved = found[place];

        if (child + 1 < selection->count && is_behind(found[child + 1], found[child]))
            child++;
        if (!is_behind(found[child], moved))
            return;
        found[place] = found[child];
        found[child] = moved;
        place = child;
    }
}

static void
select_entry(struct selection *selection, const struct board_entry *entry)
{
    const struct board_entry **found = selection->found;
    size_t place = selection->count;

    if (selection->count == selection->most) {
        if (is_behind(entry, found[0]))
            return;
        found[0] = entry;
        sink(selection, 0);
        return;
    }
    found[selection->count++] = entry;
    for (; place > 0 && is_behind(entry, found[(place - 1) / 2]); place = (place - 1) / 2) {
        found[place] = found[(place - 1) / 2];
        found[(place - 1) / 2] = entry;
    }
}

static int
order_by_key(const void *left, const void *right)
{
    const struct board_entry *const *a = left;
    const struct board_entry *const *b = right;

    return slice_compare(entry_key(*a), entry_key(*b));
}

/* Of the filters on one fact one must fit, and so for every fact. */
static bool
fits_filters(const struct board_entry *entry, const struct board_page *page)
{
    for (size_t i = 0; i < page->filters_count; i++) {
        enum fact fact = page->filters[i].fact;
        bool fits_one = false;

        for (size_t j = 0; j < page->filters_count && !fits_one; j++) {
            struct slice value = facts_get(entry_facts(entry), fact);

            fits_one = page->filters[j].fact == fact && value.at != NULL &&
                       slice_equal(value, page->filters[j].value);
        }
        if (!fits_one)
            return false;
    }
    return true;
}

static bool
is_on_page(const struct board_entry *entry, const struct board_page *page)
{
    struct slice key = entry_key(entry);

    if (entry->kind != page->kind || entry->value == NULL || key.bytes < page->prefix.bytes)
        return false;
    if (page->prefix.bytes > 0 && memcmp(key.at, page->prefix.at, page->prefix.bytes) != 0)
        return false;
    if (page->after.at != NULL && slice_compare(key, page->after) <= 0)
        return false;
    return sight_of(entry, page->view) >= SIGHT_WHOLE && fits_filters(entry, page);
}

struct slice
board_print(const struct board *board, const struct board_page *page, struct buffer *out)
{
    size_t most =
        page->records_max < map_count(board->entries) ? page->records_max : map_count(board->entries);
    struct selection selection = {memory_allocate((most + 1) * sizeof(struct board_entry *)), 0, most + 1};
    struct slice last = {NULL, 0};
    struct board_entry *entry;
    size_t cursor = 0;

    while ((entry = map_each(board->entries, &cursor)) != NULL)
        if (is_on_page(entry, page))
            select_entry(&selection, entry);
    qsort(selection.found, selection.count, sizeof(struct board_entry *), order_by_key);
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < selection.count && i < page->records_max; i++) {
        print_comma(out);
        print_entry(out, selection.found[i], page->view);
    }
    buffer_append_byte(out, ']');
    if (selection.count > page->records_max && page->records_max > 0)
        last = entry_key(selection.found[page->records_max - 1]);
    memory_free(selection.found);
    return last;
}

/* ---- one by one ---- */

const struct board_entry *
board_find(const struct board *board, enum board_kind kind, struct slice key, const struct board_view *view)
{
    char map_key[1 + KEY_BYTES_MAX];
    const struct board_entry *entry;

    if (key.bytes == 0 || key.bytes > KEY_BYTES_MAX)
        return NULL;
    map_key[0] = (char)('a' + kind);
    memcpy(map_key + 1, key.at, key.bytes);
    entry = map_get(board->entries, (struct slice){map_key, key.bytes + 1});
    return entry != NULL && entry->value != NULL && sight_of(entry, view) >= SIGHT_WHOLE ? entry : NULL;
}

const struct board_entry *
board_each(const struct board *board, enum board_kind kind, const struct board_view *view, size_t *cursor)
{
    const struct board_entry *entry;

    while ((entry = map_each(board->entries, cursor)) != NULL)
        if (entry->kind == kind && entry->value != NULL && sight_of(entry, view) >= SIGHT_WHOLE)
            return entry;
    return NULL;
}

void
board_print_entry(const struct board_entry *entry, const struct board_view *view, struct buffer *out)
{
    print_entry(out, entry, view);
}

struct slice
board_entry_key(const struct board_entry *entry)
{
    return entry_key(entry);
}

struct slice
board_entry_value(const struct board_entry *entry)
{
    return (struct slice){entry->value, entry->value_bytes};
}

struct slice
board_entry_fact(const struct board_entry *entry, enum fact fact)
{
    return facts_get(entry_facts(entry), fact);
}

const struct open_record *
board_entry_open(const struct board_entry *entry)
{
    return entry->open;
}

int32_t
board_entry_partition(const struct board_entry *entry)
{
    return entry->partition;
}

int64_t
board_entry_at_ms(const struct board_entry *entry)
{
    return entry->at_ms;
}
