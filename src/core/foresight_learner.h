#ifndef SLAD_CORE_FORESIGHT_LEARNER_H
#define SLAD_CORE_FORESIGHT_LEARNER_H

/*
 * What the learner holds, for foresight*.c only. Counts are tickets in 1/1024, faded to their own hour. Who
 * writes what: cells: foresight_cells.c; leans: foresight_lean.c; mixers, calibration, pending labels:
 * foresight.c; finishes: foresight_finish.c.
 */
#include "core/foresight_parts.h"

#define WEIGHT_ONE 1024    /* a ticket */
#define INTERVALS_COUNT 36 /* 8 of landmark 0, 7 of landmark 1 ... */

struct foresight_count {
    uint32_t open; /* entered the interval open */
    uint32_t done; /* ended in it */
};
struct foresight_value {
    uint64_t key;                 /* first: the map's key */
    uint64_t leaf_key, clock_key; /* what its rates are drawn to; 0: none */
    uint32_t finished;            /* leaf: clocks that ended or breached, ever */
    uint32_t at_hour[FORESIGHT_LANDMARKS_COUNT];
    struct foresight_count counts[INTERVALS_COUNT];
};
static inline int
foresight_first_interval(int landmark)
{
    return landmark * FORESIGHT_LANDMARKS_COUNT - landmark * (landmark - 1) / 2;
}

struct foresight_lean {
    uint64_t key; /* first: the map's key */
    int32_t lean_q24;
    uint32_t at_hour;
    uint32_t heat_q16; /* squares of what was corrected, faded to at_hour: the step is one by its root */
};

/* A label that waits for its deadline. words: per point landmark, its finish as a share of
 * the target in 1/65536 (UINT64_MAX: not known),
 * leaf key, then a value's hash a context (0: a context that was not there when it was saved). */
struct foresight_pending {
    struct heap_item item; /* first: the heap hands it back */
    uint64_t order;
    uint32_t clock;
    uint16_t weight; /* of WEIGHT_ONE */
    uint8_t label;   /* enum risk_label */
    int8_t interval; /* in which it ended, or was last seen; -1: before the first landmark; 8: never */
    uint8_t points_count;
    uint64_t words[];
};
enum { POINT_LANDMARK, POINT_FINISH, POINT_LEAF, POINT_VALUES };

struct foresight_bin {
    uint64_t count_q20, said_q20, late_q20;
};
enum { CALIBRATION_BINS = 20, FINISH_ROWS = FINISH_BUCKETS + 1 }; /* the last row: all buckets */
struct foresight_finishes {
    uint32_t at_hour;
    uint32_t counts[FINISH_BINS]; /* stopped */
    uint32_t open[FINISH_BINS];   /* breached, and not stopped so far */
};
struct foresight_clock {
    uint64_t key;
    enum clock_kind kind;
    char *name;
    size_t name_bytes;
    int32_t weights_q24[FORESIGHT_LANDMARKS_COUNT][FORESIGHT_CONTEXTS_MAX];
    int32_t leans_shares_q24[FORESIGHT_LANDMARKS_COUNT]; /* 0 .. 2^24 */
    int32_t offset_q24, slope_q24;
    int32_t stretches_q24[FINISH_BUCKETS]; /* logarithms */
    uint64_t outcomes;
    struct foresight_bin bins[CALIBRATION_BINS];
    struct foresight_clock_model model; /* what the above say to a forecast */
    struct foresight_finishes finishes[FORESIGHT_LANDMARKS_COUNT][FINISH_ROWS];
};

struct foresight {
    struct foresight_options options;
    uint64_t context_hashes[FORESIGHT_CONTEXTS_MAX];
    struct map *values, *leans;
    struct heap *pending;
    struct foresight_clock **clocks;
    size_t clocks_count;
    int64_t at_ms;
    uint64_t version, orders;
    size_t pending_bytes;
    struct foresight_figures figures;
};

/* foresight_cells.c */
uint32_t foresight_hour(int64_t at_ms); /* whole hours; before 1970: 0 */
/* What is left of a count of then, in 1/2^32. */
uint32_t foresight_faded_q32(const struct foresight *learner, uint32_t from_hour, uint32_t to_hour);
bool foresight_cell(const void *learner, uint64_t key, uint64_t leaf_key, uint64_t clock_key, int landmark,
                    struct foresight_entry *ret_entry);
void foresight_cells(const void *learner, const uint64_t *value_hashes, size_t count, uint64_t leaf_key,
                     uint64_t clock_key, int landmark, struct foresight_entry *ret_entries, bool *ret_known);
struct foresight_value *foresight_value_find(const struct foresight *learner, uint64_t key);
/* The one with this key, new when there is none. What was found before may be gone. */
struct foresight_value *foresight_value_need(struct foresight *learner, uint64_t key, uint64_t leaf_key,
                                             uint64_t clock_key);
/* One ticket passed this landmark; interval as in foresight_pending, ended: in it (else it was last seen
 * there). */
void foresight_value_count(struct foresight *learner, struct foresight_value *value, int landmark,
                           int interval, bool ended, uint32_t weight);
void foresight_cells_init(struct foresight *learner);
void foresight_cells_done(struct foresight *learner);
/* All values in order of their keys; the caller frees the array. */
struct foresight_value **foresight_values_sorted(const struct foresight *learner);

/* foresight_lean.c */
void foresight_leans_init(struct foresight *learner);
void foresight_leans_done(struct foresight *learner);
int32_t foresight_lean_q16(const void *learner, uint64_t key); /* 0: not known */
/* The one with this key, new when there is none. What was found before may be gone. */
struct foresight_lean *foresight_lean_need(struct foresight *learner, uint64_t key);
/* A ticket with this value was so far (label less P by the leans, the mean of its landmarks) from what was
 * said. */
void foresight_lean_learn(struct foresight *learner, uint64_t key, int64_t off_q16);
/* All leans in order of their keys; the caller frees the array. */
struct foresight_lean **foresight_leans_sorted(const struct foresight *learner);

/* A word in bytes, the lowest first: of the learner saved (foresight_state.c) and of a table. */
static inline void
foresight_put_word(struct buffer *out, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        buffer_append_byte(out, (char)(unsigned char)(word >> 8 * i));
}

static inline uint64_t
foresight_word_at(const char *at)
{
    uint64_t word = 0;

    for (int i = 0; i < 8; i++)
        word |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return word;
}

/* foresight_finish.c */
enum foresight_finish_step { FINISH_STOPPED, FINISH_OPEN, FINISH_OPEN_STOPPED };
/* One clock of this bucket took this share of the target (q16); or it breached and goes on; or it did and
 * stopped. */
void foresight_finish_count(struct foresight *learner, size_t clock, int landmark, int bucket,
                            enum foresight_finish_step step, uint64_t share_q16, uint32_t weight);
void foresight_finish_row(const void *learner, size_t clock, int landmark, int bucket,
                          struct foresight_finish *ret_finish);

/* foresight.c */
void foresight_source_of(const struct foresight *learner, struct foresight_source *ret_source);
struct foresight_clock *foresight_clock_add(struct foresight *learner, enum clock_kind kind,
                                            struct slice name);
struct foresight_pending *foresight_pending_new(const struct foresight *learner, size_t points_count);
void foresight_pending_put(struct foresight *learner, struct foresight_pending *pending, int64_t known_at_ms);
void foresight_clock_refresh(struct foresight_clock *clock); /* model follows what it is made of */
int foresight_clock_error_permille(const struct foresight_clock *clock);

#endif
