#ifndef SLAD_SHELL_BOARD_H
#define SLAD_SHELL_BOARD_H

/*
 * What the board knows: the present value of every key of slad.alerts and slad.scores, and the latest
 * outcomes.
 *
 * The board reads what everyone can read, so it may be given anything: a value that is no JSON object is
 * refused and counted. It keeps its own copies, within the bounds of the configuration (board_*); at a bound
 * a new key is refused, logged and counted, a known key always gets its new value. Every change has a number
 * (version); a reader that remembers the number it has seen is given what changed since, each key once, so
 * slow readers cost no memory. One thread.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/config.h"
#include "shell/log.h"
#include "shell/metrics.h"

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

uint64_t board_seed(const struct board *board);
/* The number of the last change; 0: none yet. */
uint64_t board_version(const struct board *board);
/* Whether what changed after `version` is still known whole, removals included. If not, the reader starts
 * over from 0. */
bool board_remembers(const struct board *board, uint64_t version);
/* Appends, as elements of a JSON array, what changed after `version` in the kinds asked for (BOARD_BITs),
 * oldest change first:
 *     {"kind":"scores","key":"open/0","at":"...","value":{...}}      value null: it is gone
 * Stops before out would hold more than bytes_max (but gives at least one). Returns the version to go on
 * from; equal to board_version: that was all. From 0, what is gone is left out. */
uint64_t board_changes(const struct board *board, uint64_t version, unsigned kinds, size_t bytes_max,
                       struct buffer *out);

/* Appends a JSON array of the present values of one kind whose key begins with prefix (empty: all), in order
 * of key. */
void board_print(const struct board *board, enum board_kind kind, struct slice prefix, struct buffer *out);

#endif
