#ifndef SLAD_CORE_FORESIGHT_PARTS_H
#define SLAD_CORE_FORESIGHT_PARTS_H

/*
 * What the files of foresight share: keys of cells, what a cell says, and the parts of a model that learner
 * and table both have. A *value* is one value of one context (or of the base path) of one class of a clock;
 * it has a cell at every landmark. A *lean* is what one value of one context adds to the log-odds, at all
 * landmarks and in all classes of a clock.
 */
#include "base/heap.h"
#include "base/map.h"
#include "core/foresight_log.h"
#include "slad/foresight.h"

/* What a cell says, as it is published. first and rest: -ln of the share that stays open over the landmark's
 * own interval, and over all later ones, in 1/4096. */
struct foresight_entry {
    uint16_t first, rest;
    uint16_t like, late;
};
#define ENTRY_ONE 4096

/* Finish: of those at a landmark with such a P, how long it took to the first stop, as a share of the target.
 * Bins are half octaves (foresight_finish_bin); the last one holds everything beyond. */
enum { FINISH_BINS = 34, FINISH_BUCKETS = 6 };
/* Cumulated, to 65535 in the last bin; all 0: nothing is known. */
struct foresight_finish {
    uint16_t up_to[FINISH_BINS];
    uint32_t
        stretch_q16; /* P90 is so many times the nine tenths of the above: what the share kept so far says */
};

/* What learner and table both answer. */
struct foresight_mixer {
    int32_t weights_q16[FORESIGHT_CONTEXTS_MAX]; /* of the cells' evidence */
    int32_t leans_share_q16;                     /* 0 .. Q16_ONE: of the two answers, the leans' */
};
struct foresight_clock_model {
    struct foresight_mixer mixers[FORESIGHT_LANDMARKS_COUNT];
    int32_t offset_q16, slope_q16;
    bool uncalibrated;
};
struct foresight_source {
    const void *model;
    const struct foresight_contexts *contexts;
    const uint64_t *context_hashes; /* parallel */
    uint64_t version;
    uint32_t class_min;
    /* NULL: the clock is not known. *ret_place is handed back to finish. */
    const struct foresight_clock_model *(*clock)(const void *model, uint64_t clock_key, size_t *ret_place);
    /* False: nobody like this was there at this landmark. leaf_key: the class its rates are drawn to; 0: of
     * the base path. */
    bool (*cell)(const void *model, uint64_t key, uint64_t leaf_key, uint64_t clock_key, int landmark,
                 struct foresight_entry *ret_entry);
    /* The same of every context's value in this class: keys are made of leaf_key and value_hashes. */
    void (*cells)(const void *model, const uint64_t *value_hashes, size_t count, uint64_t leaf_key,
                  uint64_t clock_key, int landmark, struct foresight_entry *ret_entries, bool *ret_known);
    int32_t (*lean_q16)(const void *model, uint64_t key); /* 0: not known */
    uint32_t (*class_count)(const void *model, uint64_t leaf_key);
    void (*finish)(const void *model, size_t place, int landmark, int bucket,
                   struct foresight_finish *ret_finish);
};

/* foresight_context.c */
uint64_t foresight_context_hash(const struct foresight_context *context);
uint64_t foresight_clock_key(enum clock_kind kind, uint64_t clock_hash);
uint64_t foresight_leaf_key(uint64_t clock_key, const struct foresight_view *view);
uint64_t foresight_before_key(uint64_t leaf_key); /* the stretch before the first landmark */
/* What a ticket is in this context: a hash of its value, for all clocks. Together with the key of a class it
 * is the key of a cell, together with that of a clock the key of a lean. */
uint64_t foresight_value_hash(uint64_t context_hash, const struct foresight_context *context,
                              const struct foresight_view *view);
uint64_t foresight_value_key(uint64_t class_or_clock_key, uint64_t value_hash);

/* foresight_forecast.c */
/* What a source says of a clock at a landmark with `left_q16` of its interval before it. Two answers from the
 * base rate on, in uncalibrated log-odds: by the weighed evidence of the cells, and by the sum of the leans;
 * mixed is between them. Evidence is unweighted; 0: nothing. False: nothing is known. */
struct foresight_mix {
    int32_t base_q16, by_cells_q16, by_leans_q16, mixed_q16;
    int32_t evidence_q16[FORESIGHT_CONTEXTS_MAX], leans_q16[FORESIGHT_CONTEXTS_MAX];
    struct foresight_entry entries[FORESIGHT_CONTEXTS_MAX];
    bool known[FORESIGHT_CONTEXTS_MAX];
};
bool foresight_mix(const struct foresight_source *source, const struct foresight_mixer *mixer,
                   uint64_t clock_key, uint64_t leaf_key, const uint64_t *value_hashes, int landmark,
                   uint32_t left_q16, struct foresight_mix *ret_mix);
/* What this context adds to the uncalibrated log-odds. */
int32_t foresight_mix_adds_q16(const struct foresight_mixer *mixer, const struct foresight_mix *mix,
                               size_t context);
int32_t foresight_calibrated_q16(const struct foresight_clock_model *model, int32_t mixed_q16);
bool foresight_forecast_from(const struct foresight_source *source, const struct foresight_query *query,
                             struct foresight_forecast *ret_forecast);
int foresight_finish_bucket(uint32_t p_q16);
uint64_t foresight_finish_share_q16(int64_t remaining_ms, int64_t target_ms);
int foresight_finish_bin(uint64_t share_q16);
/* The share of the target by which so many tenths of those not done by since_q16 are done (9: stretched),
 * from the landmark on. Only of a row that knows something. */
uint64_t foresight_finish_quantile_q16(const struct foresight_finish *finish, uint64_t since_q16,
                                       uint32_t tenths);

#endif
