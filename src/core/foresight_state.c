/*
 * The learner as bytes, and back.
 *
 * Why so: its state is a fold over samples, and a fold of a year should not be done again at every start.
 * Always true: equal learners give equal bytes; a learner saved and loaded at any point goes on as if it
 * never had been; bytes with a wrong sum or another format are refused whole. Contexts are known by what they
 * are made of: those that were not there before begin anew, those that are no more are left out. Not here:
 * when and where to write.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "core/foresight_learner.h"
#include <stdlib.h>

#define SUM_SEED UINT64_C(0x666f72657369)
enum { MAGIC = 'F', SUM_BYTES = 8 };

/* ---- writing ---- */

static void
put(struct buffer *out, uint64_t number)
{
    buffer_append_varint(out, number);
}

static void
put_clock(const struct foresight *learner, const struct foresight_clock *clock, struct buffer *out)
{
    put(out, clock->kind);
    buffer_append_varint_slice(out, (struct slice){clock->name, clock->name_bytes});
    buffer_append_varint_signed(out, clock->offset_q24);
    buffer_append_varint_signed(out, clock->slope_q24);
    put(out, clock->outcomes);
    for (int i = 0; i < FINISH_BUCKETS; i++)
        buffer_append_varint_signed(out, clock->stretches_q24[i]);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        for (size_t i = 0; i < learner->options.contexts.count; i++)
            buffer_append_varint_signed(out, clock->weights_q24[landmark][i]);
        put(out, (uint64_t)clock->leans_shares_q24[landmark]);
        for (int row = 0; row < FINISH_ROWS; row++) {
            put(out, clock->finishes[landmark][row].at_hour);
            for (int i = 0; i < FINISH_BINS; i++) {
                put(out, clock->finishes[landmark][row].counts[i]);
                put(out, clock->finishes[landmark][row].open[i]);
            }
        }
    }
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        put(out, clock->bins[i].count_q20);
        put(out, clock->bins[i].said_q20);
        put(out, clock->bins[i].late_q20);
    }
}

static void
put_value(const struct foresight_value *value, struct buffer *out)
{
    foresight_put_word(out, value->key);
    foresight_put_word(out, value->leaf_key);
    foresight_put_word(out, value->clock_key);
    put(out, value->finished);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++)
        put(out, value->at_hour[landmark]);
    for (int i = 0; i < INTERVALS_COUNT; i++) {
        put(out, value->counts[i].open);
        put(out, value->counts[i].done);
    }
}

static void
put_leans(const struct foresight *learner, struct buffer *out)
{
    size_t count = map_count(learner->leans);
    struct foresight_lean **leans = foresight_leans_sorted(learner);

    put(out, count);
    for (size_t i = 0; i < count; i++) {
        foresight_put_word(out, leans[i]->key);
        buffer_append_varint_signed(out, leans[i]->lean_q24);
        put(out, leans[i]->at_hour);
        put(out, leans[i]->heat_q16);
    }
    memory_free(leans);
}

static void
put_pending(const struct foresight *learner, const struct foresight_pending *pending, struct buffer *out)
{
    size_t stride = POINT_VALUES + learner->options.contexts.count;

    buffer_append_varint_signed(out, pending->item.at_ms);
    put(out, pending->order);
    put(out, pending->clock);
    put(out, pending->weight);
    put(out, pending->label);
    put(out, (uint64_t)(pending->interval + 1));
    put(out, pending->points_count);
    for (size_t i = 0; i < pending->points_count; i++) {
        put(out, pending->words[i * stride + POINT_LANDMARK]);
        put(out, pending->words[i * stride + POINT_FINISH]);
        for (size_t k = POINT_LEAF; k < stride; k++)
            foresight_put_word(out, pending->words[i * stride + k]);
    }
}

static int
compare_orders(const void *a, const void *b)
{
    uint64_t left = (*(const struct foresight_pending *const *)a)->order,
             right = (*(const struct foresight_pending *const *)b)->order;

    return left < right ? -1 : left > right;
}

/* In order of arrival; the heap is as it was afterwards. */
static void
put_all_pending(const struct foresight *learner, struct buffer *out)
{
    size_t count = heap_count(learner->pending);
    struct foresight_pending **list = memory_allocate((count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct foresight_pending *)heap_top(learner->pending);
        heap_remove(learner->pending, &list[i]->item);
    }
    qsort(list, count, sizeof(struct foresight_pending *), compare_orders);
    put(out, count);
    for (size_t i = 0; i < count; i++) {
        put_pending(learner, list[i], out);
        heap_put(learner->pending, &list[i]->item, list[i]->item.at_ms);
    }
    memory_free(list);
}

static void
put_figures(const struct foresight_figures *figures, struct buffer *out)
{
    const uint64_t numbers[] = {figures->labels,      figures->breached,       figures->censored,
                                figures->finishes,    figures->evicted_values, figures->refused_clocks,
                                figures->early_labels};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        put(out, numbers[i]);
}

void
foresight_save(const struct foresight *learner, struct buffer *out)
{
    size_t from = out->bytes, count = map_count(learner->values);
    struct foresight_value **values = foresight_values_sorted(learner);

    buffer_append_byte(out, MAGIC);
    put(out, FORESIGHT_STATE_FORMAT);
    buffer_append_varint_signed(out, learner->at_ms);
    put(out, learner->version);
    put(out, learner->orders);
    put_figures(&learner->figures, out);
    put(out, learner->options.contexts.count);
    for (size_t i = 0; i < learner->options.contexts.count; i++)
        foresight_put_word(out, learner->context_hashes[i]);
    put(out, learner->clocks_count);
    for (size_t i = 0; i < learner->clocks_count; i++)
        put_clock(learner, learner->clocks[i], out);
    put(out, count);
    for (size_t i = 0; i < count; i++)
        put_value(values[i], out);
    put_leans(learner, out);
    put_all_pending(learner, out);
    foresight_put_word(out, hash_bytes(SUM_SEED, out->at + from, out->bytes - from));
    memory_free(values);
}

/* ---- reading ---- */

struct reader {
    struct foresight *learner;
    struct slice from;
    bool sound;
    size_t contexts_count;              /* of the state */
    int places[FORESIGHT_CONTEXTS_MAX]; /* here; -1: not any more */
};

static uint64_t
take(struct reader *reader, uint64_t most)
{
    uint64_t number = 0;

    if (!reader->sound || varint_get(&reader->from, &number) != 0 || number > most) {
        reader->sound = false;
        return 0;
    }
    return number;
}

static int64_t
take_signed(struct reader *reader, int64_t most)
{
    int64_t number = 0;

    if (!reader->sound || varint_get_signed(&reader->from, &number) != 0 || number > most || number < -most) {
        reader->sound = false;
        return 0;
    }
    return number;
}

static uint64_t
take_word(struct reader *reader)
{
    uint64_t word = 0;

    if (!reader->sound || reader->from.bytes < 8) {
        reader->sound = false;
        return 0;
    }
    word = foresight_word_at(reader->from.at);
    reader->from = (struct slice){reader->from.at + 8, reader->from.bytes - 8};
    return word;
}

static void
take_contexts(struct reader *reader)
{
    reader->contexts_count = (size_t)take(reader, FORESIGHT_CONTEXTS_MAX);
    for (size_t i = 0; i < reader->contexts_count; i++) {
        uint64_t hash = take_word(reader);

        reader->places[i] = -1;
        for (size_t k = 0; k < reader->learner->options.contexts.count; k++) {
            if (reader->learner->context_hashes[k] == hash)
                reader->places[i] = (int)k;
        }
    }
}

static void
take_landmark(struct reader *reader, struct foresight_clock *clock, int landmark)
{
    for (size_t i = 0; i < reader->contexts_count; i++) {
        int32_t weight_q24 = (int32_t)take_signed(reader, INT64_C(1) << 28);

        if (reader->places[i] >= 0)
            clock->weights_q24[landmark][reader->places[i]] = weight_q24;
    }
    clock->leans_shares_q24[landmark] = (int32_t)take(reader, 1 << 24);
    for (int row = 0; row < FINISH_ROWS; row++) {
        clock->finishes[landmark][row].at_hour = (uint32_t)take(reader, UINT32_MAX);
        for (int i = 0; i < FINISH_BINS; i++) {
            clock->finishes[landmark][row].counts[i] = (uint32_t)take(reader, UINT32_MAX);
            clock->finishes[landmark][row].open[i] = (uint32_t)take(reader, UINT32_MAX);
        }
    }
}

static void
take_clock(struct reader *reader)
{
    enum clock_kind kind = (enum clock_kind)take(reader, KIND_UC);
    struct slice name = {"", 0};
    struct foresight_clock *clock;

    reader->sound = reader->sound && varint_get_slice(&reader->from, &name) == 0;
    if (!reader->sound)
        return;
    clock = foresight_clock_add(reader->learner, kind, name);
    clock->offset_q24 = (int32_t)take_signed(reader, INT64_C(1) << 28);
    clock->slope_q24 = (int32_t)take_signed(reader, INT64_C(1) << 28);
    clock->outcomes = take(reader, UINT64_MAX);
    for (int i = 0; i < FINISH_BUCKETS; i++)
        clock->stretches_q24[i] = (int32_t)take_signed(reader, INT64_C(1) << 26);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++)
        take_landmark(reader, clock, landmark);
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        clock->bins[i].count_q20 = take(reader, UINT64_C(1) << 40);
        clock->bins[i].said_q20 = take(reader, UINT64_C(1) << 40);
        clock->bins[i].late_q20 = take(reader, UINT64_C(1) << 40);
    }
    foresight_clock_refresh(clock);
}

static void
take_value(struct reader *reader)
{
    uint64_t key = take_word(reader), leaf_key = take_word(reader), clock_key = take_word(reader);
    struct foresight_value *value;

    reader->sound = reader->sound && foresight_value_find(reader->learner, key) == NULL;
    if (!reader->sound)
        return;
    value = foresight_value_need(reader->learner, key, leaf_key, clock_key);
    value->finished = (uint32_t)take(reader, UINT32_MAX);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++)
        value->at_hour[landmark] = (uint32_t)take(reader, UINT32_MAX);
    for (int i = 0; i < INTERVALS_COUNT; i++) {
        value->counts[i].open = (uint32_t)take(reader, UINT32_MAX);
        value->counts[i].done = (uint32_t)take(reader, value->counts[i].open);
    }
}

/* In order of their keys, each once. */
static void
take_leans(struct reader *reader)
{
    uint64_t count = take(reader, UINT32_MAX), before = 0;

    for (uint64_t i = 0; i < count && reader->sound; i++) {
        uint64_t key = take_word(reader);
        int32_t lean_q24 = (int32_t)take_signed(reader, INT64_C(1) << 28);
        uint32_t at_hour = (uint32_t)take(reader, UINT32_MAX), heat_q16 = (uint32_t)take(reader, UINT32_MAX);

        reader->sound = reader->sound && (i == 0 || key > before);
        if (reader->sound)
            *foresight_lean_need(reader->learner, key) =
                (struct foresight_lean){key, lean_q24, at_hour, heat_q16};
        before = key;
    }
}

static void
take_point(struct reader *reader, uint64_t *words)
{
    words[POINT_LANDMARK] = take(reader, FORESIGHT_LANDMARKS_COUNT - 1);
    words[POINT_FINISH] = take(reader, UINT64_MAX);
    words[POINT_LEAF] = take_word(reader);
    for (size_t i = 0; i < reader->contexts_count; i++) {
        uint64_t key = take_word(reader);

        if (reader->places[i] >= 0)
            words[POINT_VALUES + reader->places[i]] = key;
    }
}

static void
take_pending(struct reader *reader)
{
    struct foresight *learner = reader->learner;
    size_t stride = POINT_VALUES + learner->options.contexts.count;
    int64_t known_at_ms = take_signed(reader, INT64_MAX);
    uint64_t order = take(reader, UINT64_MAX), clock = take(reader, UINT32_MAX),
             weight = take(reader, WEIGHT_ONE), label = take(reader, RISK_CENSORED),
             interval = take(reader, FORESIGHT_LANDMARKS_COUNT + 1),
             points = take(reader, FORESIGHT_LANDMARKS_COUNT);
    struct foresight_pending *pending;

    if (!reader->sound || clock >= learner->clocks_count) {
        reader->sound = false;
        return;
    }
    pending = foresight_pending_new(learner, (size_t)points);
    pending->order = order;
    pending->clock = (uint32_t)clock;
    pending->weight = (uint16_t)weight;
    pending->label = (uint8_t)label;
    pending->interval = (int8_t)((int)interval - 1);
    for (size_t i = 0; i < points; i++)
        take_point(reader, pending->words + i * stride);
    foresight_pending_put(learner, pending, known_at_ms);
}

static void
take_figures(struct reader *reader, struct foresight_figures *figures)
{
    uint64_t *const numbers[] = {&figures->labels,      &figures->breached,       &figures->censored,
                                 &figures->finishes,    &figures->evicted_values, &figures->refused_clocks,
                                 &figures->early_labels};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = take(reader, UINT64_MAX);
}

static void
take_all(struct reader *reader)
{
    struct foresight *learner = reader->learner;
    uint64_t count;

    learner->version = take(reader, UINT64_MAX);
    learner->orders = take(reader, UINT64_MAX);
    take_figures(reader, &learner->figures);
    take_contexts(reader);
    count = take(reader, UINT32_MAX);
    for (uint64_t i = 0; i < count && reader->sound; i++)
        take_clock(reader);
    count = take(reader, UINT32_MAX);
    for (uint64_t i = 0; i < count && reader->sound; i++)
        take_value(reader);
    take_leans(reader);
    count = take(reader, UINT32_MAX);
    for (uint64_t i = 0; i < count && reader->sound; i++)
        take_pending(reader);
}

int
foresight_load(struct foresight *learner, struct slice state)
{
    struct reader reader = {.learner = learner, .sound = true};
    struct reader sum = {.sound = true};
    uint8_t magic;

    if (state.bytes < SUM_BYTES + 2)
        return -1;
    sum.from = (struct slice){state.at + state.bytes - SUM_BYTES, SUM_BYTES};
    if (take_word(&sum) != hash_bytes(SUM_SEED, state.at, state.bytes - SUM_BYTES))
        return -1;
    magic = (uint8_t)state.at[0];
    reader.from = (struct slice){state.at + 1, state.bytes - SUM_BYTES - 1};
    if (magic != MAGIC || take(&reader, FORESIGHT_STATE_FORMAT) != FORESIGHT_STATE_FORMAT)
        return -1;
    reader.sound = varint_get_signed(&reader.from, &learner->at_ms) == 0;
    take_all(&reader);
    return reader.sound && reader.from.bytes == 0 ? 0 : -1;
}
