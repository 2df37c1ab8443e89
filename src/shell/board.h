#ifndef SLAD_SHELL_BOARD_H
#define SLAD_SHELL_BOARD_H

/*
 * What the board knows: the present value of every key of slad.alerts and slad.scores, and the latest
 * outcomes.
 *
 * The board reads what everyone can read, so it may be given anything: what is no JSON object under a key in
 * UTF-8 is refused and counted. It keeps its own copies, within the bounds of the configuration (board_*). At
 * a bound alerts that are over make room; if that is not enough the record is refused, logged and counted,
 * and a known key goes: nothing is better than something old. Every change has a number (version); a reader
 * that remembers the number it has seen is given what changed since, each key once, so slow readers cost no
 * memory. One thread.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/config.h"
#include "shell/log.h"
#include "shell/facts.h"
#include "shell/metrics.h"
#include "wire/open_json.h"

struct board;

enum board_kind { BOARD_ALERTS, BOARD_SCORES, BOARD_OUTCOMES, BOARD_KINDS_COUNT };
#define BOARD_BIT(kind) (1U << (kind))

/* Never NULL. config, metrics and log are borrowed and outlive it. seed: random; it names this board's
 * numbers (a reader that comes back after a restart starts over). */
struct board *board_new(const struct config *config, struct metrics *metrics, struct log *log, uint64_t seed);
void board_free(struct board *board);

/* One record as it was read. value empty: a tombstone. at_ms: the record's Kafka timestamp. Outcomes need no
 * key. */
void board_record(struct board *board, enum board_kind kind, struct slice key, struct slice value,
                  int64_t at_ms);

/* The same with the partition of its topic. */
void board_record_from(struct board *board, enum board_kind kind, int32_t partition, struct slice key,
                       struct slice value, int64_t at_ms);

/* Whether an outcome is worth taking in that has so many others behind it in its topic (-1: not known): of a
 * backlog only as many are kept as board_outcomes_max says, and to read the others costs more than deciding
 * them did. */
bool board_wants_outcome(const struct board *board, int64_t behind_it);

/* Why this process is not ready; none: it is. The texts are copied. */
void board_set_ready(struct board *board, const char *const *reasons, size_t reasons_count);
bool board_ready(const struct board *board);
size_t board_reasons_count(const struct board *board);
const char *board_reason(const struct board *board, size_t i);
/* How far the board's own reading is behind: records not read yet of alerts, scores and outcomes. 0: it shows
 * the present. */
void board_set_lag(struct board *board, int64_t lag_records);
int64_t board_lag(const struct board *board);

/* ---- readers ---- */

/* Whose eyes look: customer at NULL (or no view): everything. Else what is that customer's alone; owns says
 * whether a contract is (NULL: none is). */
struct board_view {
    struct slice customer;
    bool (*owns)(void *context, struct slice contract, struct slice customer);
    void *context;
};

uint64_t board_seed(const struct board *board);
/* The number of the last change; 0: none yet. */
uint64_t board_version(const struct board *board);
/* Whether a reader that has seen everything up to `version` can still be told all that changed since,
 * removals included. One that starts over has seen, for this question, what there was when it began:
 * board_version at that moment. */
bool board_remembers(const struct board *board, uint64_t version);
/* Appends, as elements of a JSON array, what changed after `version` in the kinds asked for (BOARD_BITs),
 * oldest change first:
 *     {"kind":"scores","key":"open/0","at":"...","value":{...}}      value null: it is gone
 * out ends with "[" or an element. Stops before more than bytes_max bytes were appended (but gives at least
 * one element). Returns the version to go on from; equal to board_version: that was all. From 0, what is gone
 * or over is left out. */
uint64_t board_changes(const struct board *board, uint64_t version, unsigned kinds,
                       const struct board_view *view, size_t bytes_max, struct buffer *out);

/* Only what says this of itself; several of one fact: any of them. */
struct board_filter {
    enum fact fact;
    struct slice value;
};

/* One page of the present values of one kind, in byte order of their keys. */
struct board_page {
    enum board_kind kind;
    struct slice prefix; /* only keys that begin with it */
    struct slice after;  /* only keys behind it; at NULL: from the first */
    size_t records_max;
    const struct board_filter *filters;
    size_t filters_count;
    const struct board_view *view; /* NULL: everything */
};
/* Appends a JSON array of {"kind", "key", "at", "value"}. Returns the page's last key when more follows
 * (lives until the next board_record), else at NULL. Costs a walk over the board. */
struct slice board_print(const struct board *board, const struct board_page *page, struct buffer *out);

/* One record as it is now, in this view; NULL: it is not there. An entry lives until the next board_record.
 */
struct board_entry;
const struct board_entry *board_find(const struct board *board, enum board_kind kind, struct slice key,
                                     const struct board_view *view);
/* Every record of a kind once, unspecified order; *cursor starts at 0. NULL at the end. */
const struct board_entry *board_each(const struct board *board, enum board_kind kind,
                                     const struct board_view *view, size_t *cursor);
/* Appends it, as an element of board_print. */
void board_print_entry(const struct board_entry *entry, const struct board_view *view, struct buffer *out);
struct slice board_entry_key(const struct board_entry *entry);
struct slice board_entry_value(const struct board_entry *entry); /* whole: for who may see everything of it */
struct slice board_entry_fact(const struct board_entry *entry, enum fact fact); /* at NULL: not said */
/* The clocks of an `open` record; NULL: it is none. */
const struct open_record *board_entry_open(const struct board_entry *entry);
int32_t board_entry_partition(const struct board_entry *entry); /* -1: not told */
int64_t board_entry_at_ms(const struct board_entry *entry);

#endif
