/*
 * The score task's side of foresight.
 *
 * What: a learner, the offset up to which it has read slad.outcomes, and the records in which its table goes
 * out.
 *
 * Why so: learning is a fold over slad.outcomes like every score, but one that cannot be repeated: a sample
 * counts once. So the offset stands beside the state, and a tail that is read again passes by. The table goes
 * out whole, in pieces a broker takes, all of them in one transaction. State and table of a full learner are
 * megabytes: they are made beside the loop (scribe.c).
 *
 * Always true: the learner's time comes from the log alone, so the same log gives the same table on every
 * process; nothing is told twice that has not changed; while the learner is lent nobody touches it.
 *
 * Not here: what is learned (core/foresight), who reads the table (model.c).
 */
#include "shell/learning.h"
#include "base/memory.h"
#include "base/panic.h"
#include "base/varint.h"
#include "shell/envelope.h"
#include "shell/model.h"
#include "shell/scribe.h"
#include "slad/policy.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PIECE_BYTES = 144 * 1024, /* a third more as text: what the JSON door takes */
    AWAY_LOOK_MS = 1
};

struct learning {
    const struct world *world;
    struct foresight *learner;
    struct foresight_options options;
    int64_t offset; /* of slad.outcomes: what lies before it is learned */
    uint64_t told_version;
    int64_t told_mono_ms;       /* INT64_MIN: never */
    struct scribe *scribe;      /* NULL: all is done at once */
    bool away, unwanted;        /* unwanted: what comes back is thrown away */
    enum scribe_wish wish;      /* while away */
    struct buffer saved, table; /* made ready; empty: not */
    int64_t saved_offset;
    uint64_t table_version;
    struct foresight_figures counted; /* what of its bounds has been added to the metrics */
};

static const struct policy_foresight *
rules(const struct learning *learning)
{
    const struct policy_set *set = learning->world->policies;

    return &policy_set_version(set, policy_set_in_force(set, learning->world->now_ms))->foresight;
}

static void
choose_options(const struct learning *learning, struct foresight_options *options)
{
    const struct config *config = learning->world->config;

    foresight_options_default(options);
    foresight_contexts_of(rules(learning), &options->contexts);
    options->half_life_ms = config->foresight_half_life_ms;
    options->clocks_max = (uint32_t)config->foresight_clocks_max;
    options->values_max = (uint32_t)config->foresight_values_max;
    options->pending_max = (uint32_t)config->foresight_pending_max;
}

struct learning *
learning_new(const struct world *world)
{
    struct learning *learning = memory_allocate_zeroed(1, sizeof *learning);

    learning->world = world;
    learning->told_mono_ms = INT64_MIN;
    choose_options(learning, &learning->options);
    learning->learner = foresight_new(&learning->options);
    return learning;
}

/* ---- made beside the loop ---- */

static struct buffer *
made(struct learning *learning)
{
    return learning->wish == SCRIBE_STATE ? &learning->saved : &learning->table;
}

static void
is_back(struct learning *learning)
{
    learning->away = false;
    if (learning->unwanted)
        buffer_free(made(learning));
    learning->unwanted = false;
}

static void
come_back(struct learning *learning)
{
    if (!learning->away)
        return;
    scribe_take_wait(learning->scribe, made(learning));
    is_back(learning);
}

/* The learner goes away, or what is wished for is there at once. */
static void
make(struct learning *learning, enum scribe_wish wish)
{
    learning->wish = wish;
    if (wish == SCRIBE_STATE) {
        learning->saved_offset = learning->offset;
        buffer_append_varint(&learning->saved, (uint64_t)learning->offset);
    } else
        learning->table_version = foresight_version(learning->learner);
    learning->away = learning->scribe != NULL;
    if (learning->away)
        scribe_ask(learning->scribe, learning->learner, wish, made(learning));
    else if (wish == SCRIBE_STATE)
        foresight_save(learning->learner, &learning->saved);
    else
        foresight_publish(learning->learner, &learning->table);
}

void
learning_free(struct learning *learning)
{
    if (learning == NULL)
        return;
    come_back(learning);
    foresight_free(learning->learner);
    buffer_free(&learning->saved);
    buffer_free(&learning->table);
    memory_free(learning);
}

void
learning_set_scribe(struct learning *learning, struct scribe *scribe)
{
    learning->scribe = scribe;
}

bool
learning_is_away(const struct learning *learning)
{
    return learning->away;
}

void
learning_turn(struct learning *learning)
{
    if (learning->away && scribe_take(learning->scribe, made(learning)))
        is_back(learning);
}

static bool
same_contexts(const struct foresight_contexts *a, const struct foresight_contexts *b)
{
    struct buffer left = {0}, right = {0};
    bool same;

    foresight_contexts_print(&left, a);
    foresight_contexts_print(&right, b);
    same = slice_equal(buffer_slice(&left), buffer_slice(&right));
    buffer_free(&left);
    buffer_free(&right);
    return same;
}

void
learning_take_policies(struct learning *learning)
{
    struct foresight_options options;
    struct buffer state = {0};
    struct foresight *learner;

    come_back(learning);
    choose_options(learning, &options);
    if (same_contexts(&options.contexts, &learning->options.contexts))
        return;
    foresight_save(learning->learner, &state);
    learner = foresight_new(&options);
    must(foresight_load(learner, buffer_slice(&state)) == 0);
    foresight_free(learning->learner);
    learning->learner = learner;
    foresight_figures(learner, &learning->counted);
    learning->options = options;
    buffer_free(&state);
}

/* ---- what is read ---- */

static bool
is_new(struct learning *learning, int64_t offset)
{
    must(!learning->away);
    if (offset < learning->offset)
        return false;
    learning->offset = offset + 1;
    return true;
}

void
learning_sample(struct learning *learning, const struct risk_sample *sample, int64_t offset)
{
    if (is_new(learning, offset) && rules(learning)->enabled)
        foresight_learn(learning->learner, sample);
}

void
learning_time(struct learning *learning, int64_t t_ms, int64_t offset)
{
    if (is_new(learning, offset))
        foresight_advance(learning->learner, t_ms);
}

/* ---- what is told ---- */

int64_t
learning_wait_ms(const struct learning *learning)
{
    const struct world *world = learning->world;
    int64_t due_mono_ms = learning->told_mono_ms;

    if (learning->away)
        return AWAY_LOOK_MS;
    if (learning->table.bytes > 0)
        return 0;
    if (foresight_version(learning->learner) == learning->told_version || !rules(learning)->enabled)
        return INT64_MAX;
    if (due_mono_ms == INT64_MIN)
        return 0;
    due_mono_ms += world->config->foresight_every_ms;
    return due_mono_ms > world->now_mono_ms ? due_mono_ms - world->now_mono_ms : 0;
}

static void
tell_piece(struct learning *learning, struct batch *batch, struct slice table, size_t piece, size_t pieces)
{
    size_t from = piece * PIECE_BYTES;
    size_t bytes = table.bytes - from < PIECE_BYTES ? table.bytes - from : PIECE_BYTES;
    int64_t at_ms = foresight_at_ms(learning->learner);
    char key[48], id[96];
    struct buffer *out;

    (void)snprintf(key, sizeof key, "risk_model/%zu", piece);
    (void)snprintf(id, sizeof id, "%s/%llu", key, (unsigned long long)learning->table_version);
    batch_begin(batch, TOPIC_SCORES, 0, slice_of(key));
    out = batch_value(batch);
    buffer_append_text(out, "{\"type\":\"risk_model\",\"version\":");
    buffer_append_int64(out, (int64_t)learning->table_version);
    buffer_append_text(out, ",\"piece\":");
    buffer_append_int64(out, (int64_t)piece);
    buffer_append_text(out, ",\"pieces\":");
    buffer_append_int64(out, (int64_t)pieces);
    buffer_append_text(out, ",\"bytes\":");
    buffer_append_int64(out, (int64_t)table.bytes);
    buffer_append_text(out, ",\"table\":\"");
    out->bytes += (size_t)EVP_EncodeBlock((unsigned char *)buffer_reserve(out, (bytes + 2) / 3 * 4 + 1),
                                          (const unsigned char *)table.at + from, (int)bytes);
    buffer_append_text(out, "\"}");
    envelope_add(batch, learning->world, "slad.risk_model", slice_of(id),
                 at_ms != INSTANT_NONE ? at_ms : learning->world->now_ms);
    batch_end(batch);
}

bool
learning_tell(struct learning *learning, struct batch *batch)
{
    struct buffer *table = &learning->table;
    size_t pieces;

    if (!learning->away && table->bytes == 0)
        make(learning, SCRIBE_TABLE);
    if (learning->away)
        return false;
    pieces = (table->bytes + PIECE_BYTES - 1) / PIECE_BYTES;
    if (pieces > MODEL_PIECES_MAX) { /* nobody would take it: the one before stays */
        metrics_bound_hit(learning->world->metrics, CONFIG_foresight_values_max);
        log_write(learning->world->log, LOG_ERROR, "risk_model_too_large",
                  LOG_INTEGER("bytes", table->bytes), LOG_TEXT("hint", "lower foresight_values_max"));
        pieces = 0;
    }
    for (size_t piece = 0; piece < pieces; piece++)
        tell_piece(learning, batch, buffer_slice(table), piece, pieces);
    learning->told_version = learning->table_version;
    learning->told_mono_ms = learning->world->now_mono_ms;
    buffer_free(table);
    return true;
}

static void
count_hits(struct learning *learning, const struct foresight_figures *figures)
{
    struct metrics *metrics = learning->world->metrics;
    const struct foresight_figures *before = &learning->counted;

    metrics_add(metrics, METRIC_BOUND_HITS, CONFIG_foresight_values_max,
                figures->evicted_values - before->evicted_values);
    metrics_add(metrics, METRIC_BOUND_HITS, CONFIG_foresight_clocks_max,
                figures->refused_clocks - before->refused_clocks);
    metrics_add(metrics, METRIC_BOUND_HITS, CONFIG_foresight_pending_max,
                figures->early_labels - before->early_labels);
    learning->counted = *figures;
}

void
learning_measure(struct learning *learning)
{
    struct metrics *metrics = learning->world->metrics;
    struct foresight_calibration calibration;
    struct foresight_figures figures;
    int worst_permille = 0, drift_permille = 0;
    size_t uncalibrated = 0;

    if (learning->away)
        return; /* the next time */
    foresight_figures(learning->learner, &figures);
    count_hits(learning, &figures);
    for (size_t clock = 0; foresight_calibration(learning->learner, clock, &calibration); clock++) {
        uncalibrated += calibration.uncalibrated;
        if (calibration.error_permille > worst_permille)
            worst_permille = calibration.error_permille;
        if (abs(calibration.drift_permille) > abs(drift_permille))
            drift_permille = calibration.drift_permille;
    }
    metrics_set(metrics, METRIC_FORESIGHT_LABELS, 0, (int64_t)figures.labels);
    metrics_set(metrics, METRIC_FORESIGHT_VALUES, 0, (int64_t)figures.values);
    metrics_set(metrics, METRIC_FORESIGHT_CLOCKS, 0, (int64_t)figures.clocks);
    metrics_set(metrics, METRIC_FORESIGHT_PENDING, 0, (int64_t)figures.pending);
    metrics_set(metrics, METRIC_FORESIGHT_ERROR, 0, worst_permille);
    metrics_set(metrics, METRIC_FORESIGHT_DRIFT, 0, drift_permille);
    metrics_set(metrics, METRIC_FORESIGHT_UNCALIBRATED, 0, (int64_t)uncalibrated);
    metrics_set(metrics, METRIC_FORESIGHT_EVICTED, 0, (int64_t)figures.evicted_values);
    metrics_set(metrics, METRIC_FORESIGHT_EARLY, 0, (int64_t)figures.early_labels);
}

/* ---- snapshots ---- */

void
learning_save(const struct learning *learning, struct buffer *out)
{
    must(!learning->away);
    buffer_append_varint(out, (uint64_t)learning->offset);
    foresight_save(learning->learner, out);
}

bool
learning_is_saved(struct learning *learning)
{
    if (!learning->away && learning->saved.bytes == 0)
        make(learning, SCRIBE_STATE);
    return !learning->away && learning->saved.bytes > 0;
}

struct slice
learning_saved(const struct learning *learning)
{
    return buffer_slice(&learning->saved);
}

bool
learning_saved_over(struct learning *learning)
{
    bool was = learning->saved.bytes > 0;

    if (learning->away && learning->wish == SCRIBE_STATE)
        learning->unwanted = true;
    buffer_free(&learning->saved);
    return was && learning->saved_offset != learning->offset;
}

int
learning_load(struct learning *learning, struct slice state, int64_t *ret_offset)
{
    struct foresight *learner = foresight_new(&learning->options);
    uint64_t offset;

    if (varint_get(&state, &offset) != 0 || offset > INT64_MAX || foresight_load(learner, state) != 0) {
        foresight_free(learner);
        return -1;
    }
    foresight_free(learning->learner);
    learning->learner = learner;
    foresight_figures(learner, &learning->counted); /* what a snapshot says was hit before its time */
    learning->offset = *ret_offset = (int64_t)offset;
    return 0;
}
