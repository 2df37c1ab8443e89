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
 * Not here: HTTP, who may see what, what the values mean (but whether an alert is over).
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

struct entry {
    enum board_kind kind;
    bool over;        /* an alert that is resolved or withdrawn */
    size_t key_bytes; /* key[0] is the kind, so that one map holds all */
    size_t value_bytes;
    char *value; /* NULL: gone */
    int64_t at_ms;
    uint64_t version;
    size_t log_place;
    char key[];
};

/* A slot of the log; entry NULL: changed again later. */
struct change {
    uint64_t version;
    struct entry *entry;
};

struct board {
    const struct config *config;
    struct metrics *metrics;
    struct log *log;
    uint64_t seed;
    struct json *json;
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
};

static const char *const kind_texts[] = {
    [BOARD_ALERTS] = "alerts", [BOARD_SCORES] = "scores", [BOARD_OUTCOMES] = "outcomes"};

static struct slice
entry_map_key(const void *value)
{
    const struct entry *entry = value;

    return (struct slice){entry->key, entry->key_bytes};
}

static struct slice
entry_key(const struct entry *entry)
{
    return (struct slice){entry->key + 1, entry->key_bytes - 1};
}

static size_t
entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->key_bytes + (entry->value != NULL ? entry->value_bytes : 0);
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
    struct entry *entry;

    if (board == NULL)
        return;
    while ((entry = map_each(board->entries, &cursor)) != NULL) {
        memory_free(entry->value);
        memory_free(entry);
    }
    map_free(board->entries);
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
        struct entry *entry = board->changes[i].entry;

        if (entry == NULL)
            continue;
        entry->log_place = kept;
        board->changes[kept++] = board->changes[i];
    }
    board->changes_count = kept;
}

static void
log_remove(struct board *board, struct entry *entry)
{
    board->changes[entry->log_place].entry = NULL;
    board->changes_live--;
}

static void
log_append(struct board *board, struct entry *entry)
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
entry_uncount(struct board *board, const struct entry *entry)
{
    board->bytes -= entry_bytes(entry);
    board->live[entry->kind] -= entry->value != NULL;
    board->over_count -= entry->over;
    board->gone_count -= entry->value == NULL;
}

static void
entry_count(struct board *board, const struct entry *entry)
{
    board->bytes += entry_bytes(entry);
    board->live[entry->kind] += entry->value != NULL;
    board->over_count += entry->over;
    board->gone_count += entry->value == NULL;
}

/* Without a trace: readers that have not seen its last change cannot hear of it any more. */
static void
entry_forget(struct board *board, struct entry *entry)
{
    entry_uncount(board, entry);
    log_remove(board, entry);
    map_remove(board->entries, entry_map_key(entry));
    if (entry->kind != BOARD_OUTCOMES && entry->version > board->floor)
        board->floor = entry->version;
    memory_free(entry->value);
    memory_free(entry);
}

static void
entry_put_value(struct board *board, struct entry *entry, struct slice value, int64_t at_ms, bool over)
{
    entry_uncount(board, entry);
    log_remove(board, entry);
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

static struct entry *
entry_new(struct board *board, struct slice map_key)
{
    struct entry *entry = memory_allocate_zeroed(1, sizeof *entry + map_key.bytes);

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
        struct entry *entry = board->changes[i].entry;

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

/* Whether an alert's value says that it is over; -1: no JSON object. */
static int
read_over(struct board *board, enum board_kind kind, struct slice value, char detail[JSON_DETAIL_BYTES])
{
    const struct cJSON *object;

    if (json_read(board->json, value, &object, detail) != ERROR_NONE)
        return -1;
    if (kind != BOARD_ALERTS)
        return 0;
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), "state") && json_is_text(member))
            return slice_is(json_text(member), "resolved") || slice_is(json_text(member), "withdrawn");
    return 0;
}

static void
remove_key(struct board *board, struct entry *entry, int64_t at_ms)
{
    if (entry == NULL || entry->value == NULL)
        return;
    entry_put_value(board, entry, (struct slice){NULL, 0}, at_ms, false);
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
        struct entry *entry;

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
    struct entry *entry = map_get(board->entries, map_key);
    bool known = entry != NULL && entry->value != NULL;
    size_t before = known ? entry->value_bytes : 0;
    char detail[JSON_DETAIL_BYTES];
    int over = read_over(board, kind, value, detail);

    if (over < 0) {
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
    entry_put_value(board, entry, value, at_ms, over == 1);
}

void
board_record(struct board *board, enum board_kind kind, struct slice key, struct slice value, int64_t at_ms)
{
    char map_key[1 + KEY_BYTES_MAX];
    char outcome_key[OUTCOME_KEY_BYTES];
    struct slice whole = {map_key, key.bytes + 1};

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

static void
print_entry(struct buffer *out, const struct entry *entry)
{
    print_comma(out);
    buffer_append_byte(out, '{');
    print_key(out, "kind");
    print_text(out, slice_of(kind_texts[entry->kind]));
    print_key(out, "key");
    print_text(out, entry_key(entry));
    print_key(out, "at");
    print_instant(out, entry->at_ms);
    print_key(out, "value");
    if (entry->value != NULL)
        buffer_append(out, entry->value, entry->value_bytes);
    else
        buffer_append_text(out, "null");
    buffer_append_byte(out, '}');
}

uint64_t
board_changes(const struct board *board, uint64_t version, unsigned kinds, size_t bytes_max,
              struct buffer *out)
{
    size_t begin = out->bytes;
    bool afresh = version == 0;

    for (size_t i = log_find(board, version); i < board->changes_count; i++) {
        const struct entry *entry = board->changes[i].entry;

        if (entry == NULL || !(kinds & BOARD_BIT(entry->kind)) ||
            (afresh && (entry->value == NULL || entry->over)))
            continue;
        if (out->bytes > begin && out->bytes - begin + entry_bytes(entry) > bytes_max)
            return version;
        print_entry(out, entry);
        version = entry->version;
    }
    return board->version;
}

static int
order_by_key(const void *left, const void *right)
{
    const struct entry *const *a = left;
    const struct entry *const *b = right;

    return slice_compare(entry_key(*a), entry_key(*b));
}

static bool
is_on_page(const struct entry *entry, const struct board_page *page)
{
    struct slice key = entry_key(entry);

    if (entry->kind != page->kind || entry->value == NULL || key.bytes < page->prefix.bytes)
        return false;
    if (page->prefix.bytes > 0 && memcmp(key.at, page->prefix.at, page->prefix.bytes) != 0)
        return false;
    return page->after.at == NULL || slice_compare(key, page->after) > 0;
}

struct slice
board_print(const struct board *board, const struct board_page *page, struct buffer *out)
{
    const struct entry **found = memory_allocate((map_count(board->entries) + 1) * sizeof(struct entry *));
    struct slice last = {NULL, 0};
    struct entry *entry;
    size_t count = 0;
    size_t cursor = 0;

    while ((entry = map_each(board->entries, &cursor)) != NULL)
        if (is_on_page(entry, page))
            found[count++] = entry;
    qsort(found, count, sizeof(struct entry *), order_by_key);
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < count && i < page->records_max; i++)
        print_entry(out, found[i]);
    buffer_append_byte(out, ']');
    if (count > page->records_max && page->records_max > 0)
        last = entry_key(found[page->records_max - 1]);
    memory_free(found);
    return last;
}
