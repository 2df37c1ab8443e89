/*
 * The table: what a learner has learned so far, as bytes for slad.scores, and the look-up in ticket tasks.
 *
 * Why a table and not the counts: a ticket task has some hundred nanoseconds for a clock and must never
 * disagree with another one. So the rates are drawn, multiplied and faded when the table is made; what is
 * left is two look-ups a context. Always true: a table says what its learner said when it was made; equal
 * learners make equal bytes; bytes with a wrong sum, another format or anything out of range are no table.
 * Not here: the sums of a forecast (foresight_forecast), when a table is made (shell).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/foresight_learner.h"

#define SUM_SEED UINT64_C(0x7269736b)
enum { MAGIC = 'R', SUM_BYTES = 8, KEY_BYTES = 8, VALUES_MAX = 1 << 20, CLOCKS_MAX = 4096 };
#define LOGIT_RANGE_Q16 (16 * Q16_ONE) /* weights and calibration lie well inside */

struct table_value {
    uint64_t key;
    uint32_t finished;
    uint8_t mask; /* landmarks that have a cell */
    struct foresight_entry cells[FORESIGHT_LANDMARKS_COUNT];
};
struct table_clock {
    uint64_t key;
    struct foresight_clock_model model;
    struct foresight_finish finishes[FORESIGHT_LANDMARKS_COUNT][FINISH_BUCKETS];
};
/* One value's lean, in the slot of its key or behind it. */
struct table_lean {
    uint64_t key;
    int32_t lean_q16; /* 0: a free slot */
};
struct foresight_table {
    struct foresight_source source;
    struct foresight_contexts contexts;
    uint64_t context_hashes[FORESIGHT_CONTEXTS_MAX];
    int64_t at_ms;
    struct table_clock *clocks;
    size_t clocks_count;
    struct table_value *values;
    size_t values_count;
    uint32_t *slots; /* place in values and 1; 0: free */
    uint32_t slots_mask;
    struct table_lean *leans;
    uint32_t leans_mask;
};

/* ---- writing ---- */

static void
put_number(struct buffer *out, uint64_t number)
{
    buffer_append_varint(out, number);
}

static void
put_finishes(const struct foresight *learner, size_t place, struct buffer *out)
{
    struct foresight_finish finish;

    for (int row = 0; row < FORESIGHT_LANDMARKS_COUNT * FINISH_BUCKETS; row++) {
        uint16_t before = 0;

        foresight_finish_row(learner, place, row / FINISH_BUCKETS, row % FINISH_BUCKETS, &finish);
        put_number(out, finish.stretch_q16); /* 0: nothing is known */
        for (int i = 0; i < FINISH_BINS && finish.stretch_q16 != 0; i++) {
            put_number(out, finish.up_to[i] - (uint64_t)before);
            before = finish.up_to[i];
        }
    }
}

static void
put_clock(const struct foresight *learner, size_t place, struct buffer *out)
{
    const struct foresight_clock *clock = learner->clocks[place];

    put_number(out, clock->kind);
    buffer_append_varint_slice(out, (struct slice){clock->name, clock->name_bytes});
    buffer_append_varint_signed(out, clock->model.offset_q16);
    buffer_append_varint_signed(out, clock->model.slope_q16);
    put_number(out, clock->model.uncalibrated);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        for (size_t i = 0; i < learner->options.contexts.count; i++)
            buffer_append_varint_signed(out, clock->model.mixers[landmark].weights_q16[i]);
        buffer_append_varint_signed(out, clock->model.mixers[landmark].leans_share_q16);
    }
    put_finishes(learner, place, out);
}

/* False: nothing of it is worth telling. */
static bool
fill_value(const struct foresight *learner, const struct foresight_value *value, struct table_value *cells)
{
    uint64_t clock_key = value->clock_key != 0 ? value->clock_key : value->key;

    cells->key = value->key;
    cells->finished = value->finished;
    cells->mask = 0;
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        if (foresight_cell(learner, value->key, value->leaf_key, clock_key, landmark,
                           &cells->cells[landmark]))
            cells->mask |= (uint8_t)(1U << landmark);
    }
    return cells->mask != 0;
}

static void
put_value(const struct table_value *value, struct buffer *out)
{
    foresight_put_word(out, value->key);
    put_number(out, value->finished);
    buffer_append_byte(out, (char)value->mask);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        const struct foresight_entry *entry = &value->cells[landmark];

        if ((value->mask & 1U << landmark) == 0)
            continue;
        put_number(out, entry->first);
        put_number(out, entry->rest);
        put_number(out, entry->like);
        put_number(out, entry->late);
    }
}

static void
put_values(const struct foresight *learner, struct buffer *out)
{
    struct foresight_value **values = foresight_values_sorted(learner);
    size_t count = map_count(learner->values);
    struct table_value cells;

    for (size_t i = 0; i < count; i++) {
        if (fill_value(learner, values[i], &cells)) {
            buffer_append_byte(out, 1);
            put_value(&cells, out);
        }
    }
    buffer_append_byte(out, 0);
    memory_free(values);
}

static void
put_leans(const struct foresight *learner, struct buffer *out)
{
    struct foresight_lean **leans = foresight_leans_sorted(learner);
    size_t count = map_count(learner->leans), told = 0;

    for (size_t i = 0; i < count; i++)
        told += foresight_lean_q16(learner, leans[i]->key) != 0;
    put_number(out, told);
    for (size_t i = 0; i < count; i++) {
        int32_t lean_q16 = foresight_lean_q16(learner, leans[i]->key);

        if (lean_q16 == 0)
            continue;
        foresight_put_word(out, leans[i]->key);
        buffer_append_varint_signed(out, lean_q16);
    }
    memory_free(leans);
}

void
foresight_publish(const struct foresight *learner, struct buffer *out)
{
    struct buffer contexts = {0};
    size_t from = out->bytes;

    foresight_contexts_print(&contexts, &learner->options.contexts);
    buffer_append_byte(out, MAGIC);
    put_number(out, FORESIGHT_TABLE_FORMAT);
    put_number(out, learner->version);
    buffer_append_varint_signed(out, learner->at_ms);
    put_number(out, learner->options.class_min);
    buffer_append_varint_slice(out, buffer_slice(&contexts));
    put_number(out, learner->clocks_count);
    for (size_t i = 0; i < learner->clocks_count; i++)
        put_clock(learner, i, out);
    put_leans(learner, out);
    put_values(learner, out);
    foresight_put_word(out, hash_bytes(SUM_SEED, out->at + from, out->bytes - from));
    buffer_free(&contexts);
}

/* ---- reading ---- */

static bool
take_number(struct slice *from, uint64_t most, uint64_t *number)
{
    return varint_get(from, number) == 0 && *number <= most;
}

static bool
take_signed(struct slice *from, int32_t *number)
{
    int64_t read;

    if (varint_get_signed(from, &read) != 0 || read > LOGIT_RANGE_Q16 || read < -LOGIT_RANGE_Q16)
        return false;
    *number = (int32_t)read;
    return true;
}

static bool
take_byte(struct slice *from, uint8_t *byte)
{
    if (from->bytes == 0)
        return false;
    *byte = (uint8_t)from->at[0];
    *from = (struct slice){from->at + 1, from->bytes - 1};
    return true;
}

static bool
take_finish(struct slice *from, struct foresight_finish *finish)
{
    uint64_t stretch_q16, step, sum = 0;

    if (!take_number(from, 64 * Q16_ONE, &stretch_q16))
        return false;
    finish->stretch_q16 = (uint32_t)stretch_q16;
    for (int i = 0; i < FINISH_BINS && stretch_q16 != 0; i++) {
        if (!take_number(from, UINT16_MAX - sum, &step))
            return false;
        sum += step;
        finish->up_to[i] = (uint16_t)sum;
    }
    return stretch_q16 == 0 || sum == UINT16_MAX;
}

static bool
take_clock(struct slice *from, size_t contexts, struct table_clock *clock)
{
    uint64_t kind, uncalibrated;
    struct slice name;
    bool sound = take_number(from, KIND_UC, &kind) && varint_get_slice(from, &name) == 0 &&
                 take_signed(from, &clock->model.offset_q16) && take_signed(from, &clock->model.slope_q16) &&
                 take_number(from, 1, &uncalibrated);

    if (!sound)
        return false;
    clock->key = foresight_clock_key((enum clock_kind)kind, foresight_text_hash(name));
    clock->model.uncalibrated = uncalibrated != 0;
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        for (size_t i = 0; i < contexts; i++)
            sound = sound && take_signed(from, &clock->model.mixers[landmark].weights_q16[i]);
        sound = sound && take_signed(from, &clock->model.mixers[landmark].leans_share_q16);
    }
    for (int row = 0; row < FORESIGHT_LANDMARKS_COUNT * FINISH_BUCKETS; row++)
        sound = sound && take_finish(from, &clock->finishes[row / FINISH_BUCKETS][row % FINISH_BUCKETS]);
    return sound;
}

static bool
take_entry(struct slice *from, struct foresight_entry *entry)
{
    uint64_t numbers[4];

    for (int i = 0; i < 4; i++) {
        if (!take_number(from, UINT16_MAX, &numbers[i]))
            return false;
    }
    *entry = (struct foresight_entry){(uint16_t)numbers[0], (uint16_t)numbers[1], (uint16_t)numbers[2],
                                      (uint16_t)numbers[3]};
    return true;
}

static bool
take_word(struct slice *from, uint64_t *word)
{
    if (from->bytes < KEY_BYTES)
        return false;
    *word = foresight_word_at(from->at);
    *from = (struct slice){from->at + KEY_BYTES, from->bytes - KEY_BYTES};
    return true;
}

static bool
take_value(struct slice *from, struct table_value *value)
{
    uint64_t finished;

    memset(value, 0, sizeof *value);
    if (!take_word(from, &value->key) || !take_number(from, UINT32_MAX, &finished) ||
        !take_byte(from, &value->mask))
        return false;
    value->finished = (uint32_t)finished;
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        if ((value->mask & 1U << landmark) != 0 && !take_entry(from, &value->cells[landmark]))
            return false;
    }
    return true;
}

/* Leans come in order of their keys, each once, none of them 0; more than half the slots stay free. */
static bool
take_leans(struct slice *from, struct foresight_table *table)
{
    uint64_t count, before = 0;
    uint32_t room = 16;

    if (!take_number(from, VALUES_MAX, &count) || count > from->bytes / (KEY_BYTES + 1))
        return false;
    while (room < count * 2)
        room *= 2;
    table->leans = memory_allocate_zeroed(room, sizeof *table->leans);
    table->leans_mask = room - 1;
    for (uint64_t i = 0; i < count; i++) {
        struct table_lean lean;
        uint32_t slot;

        if (!take_word(from, &lean.key) || !take_signed(from, &lean.lean_q16) || lean.lean_q16 == 0 ||
            (i > 0 && lean.key <= before))
            return false;
        before = lean.key;
        slot = (uint32_t)lean.key & table->leans_mask;
        while (table->leans[slot].lean_q16 != 0)
            slot = (slot + 1) & table->leans_mask;
        table->leans[slot] = lean;
    }
    return true;
}

/* Values come in order of their keys, each once. */
static bool
take_values(struct slice *from, struct foresight_table *table)
{
    size_t room = 0;
    uint8_t more;

    while (take_byte(from, &more) && more == 1 && table->values_count < VALUES_MAX) {
        if (table->values_count == room) {
            room = room > 0 ? room * 2 : 256;
            table->values = memory_resize(table->values, room * sizeof *table->values);
        }
        if (!take_value(from, &table->values[table->values_count]) ||
            (table->values_count > 0 &&
             table->values[table->values_count].key <= table->values[table->values_count - 1].key))
            return false;
        table->values_count++;
    }
    return from->bytes == 0 && more == 0;
}

static bool
take_head(struct slice *from, struct foresight_table *table)
{
    char detail[FORESIGHT_DETAIL_BYTES];
    uint64_t format, class_min, clocks;
    struct slice contexts;
    uint8_t magic;

    if (!take_byte(from, &magic) || magic != MAGIC || !take_number(from, FORESIGHT_TABLE_FORMAT, &format) ||
        format != FORESIGHT_TABLE_FORMAT || varint_get(from, &table->source.version) != 0 ||
        varint_get_signed(from, &table->at_ms) != 0 || !take_number(from, UINT32_MAX, &class_min) ||
        varint_get_slice(from, &contexts) != 0 ||
        foresight_contexts_read(contexts, &table->contexts, detail) != 0 ||
        !take_number(from, CLOCKS_MAX, &clocks))
        return false;
    table->source.class_min = (uint32_t)class_min;
    table->clocks = memory_allocate_zeroed(clocks + 1, sizeof *table->clocks);
    for (; table->clocks_count < clocks; table->clocks_count++) {
        if (!take_clock(from, table->contexts.count, &table->clocks[table->clocks_count]))
            return false;
    }
    return true;
}

static void
index_values(struct foresight_table *table)
{
    uint32_t room = 16;

    while (room < table->values_count * 2)
        room *= 2;
    table->slots = memory_allocate_zeroed(room, sizeof *table->slots);
    table->slots_mask = room - 1;
    for (uint32_t i = 0; i < table->values_count; i++) {
        uint32_t slot = (uint32_t)table->values[i].key & table->slots_mask;

        while (table->slots[slot] != 0)
            slot = (slot + 1) & table->slots_mask;
        table->slots[slot] = i + 1;
    }
}

/* ---- looking up ---- */

static const struct table_value *
find_value(const struct foresight_table *table, uint64_t key)
{
    uint32_t slot = (uint32_t)key & table->slots_mask;

    for (; table->slots[slot] != 0; slot = (slot + 1) & table->slots_mask) {
        if (table->values[table->slots[slot] - 1].key == key)
            return &table->values[table->slots[slot] - 1];
    }
    return NULL;
}

static bool
cell_of(const void *model, uint64_t key, uint64_t leaf_key, uint64_t clock_key, int landmark,
        struct foresight_entry *ret_entry)
{
    const struct table_value *value = find_value(model, key);

    (void)leaf_key;
    (void)clock_key;
    if (value == NULL || (value->mask & 1U << landmark) == 0)
        return false;
    *ret_entry = value->cells[landmark];
    return true;
}

static void
cells_of(const void *model, const uint64_t *value_hashes, size_t count, uint64_t leaf_key, uint64_t clock_key,
         int landmark, struct foresight_entry *ret_entries, bool *ret_known)
{
    for (size_t i = 0; i < count; i++)
        ret_known[i] = cell_of(model, foresight_value_key(leaf_key, value_hashes[i]), leaf_key, clock_key,
                               landmark, &ret_entries[i]);
}

static int32_t
lean_of(const void *model, uint64_t key)
{
    const struct foresight_table *table = model;
    uint32_t slot = (uint32_t)key & table->leans_mask;

    for (; table->leans[slot].lean_q16 != 0; slot = (slot + 1) & table->leans_mask) {
        if (table->leans[slot].key == key)
            return table->leans[slot].lean_q16;
    }
    return 0;
}

static const struct foresight_clock_model *
clock_of(const void *model, uint64_t clock_key, size_t *ret_place)
{
    const struct foresight_table *table = model;

    for (size_t i = 0; i < table->clocks_count; i++) {
        *ret_place = i;
        if (table->clocks[i].key == clock_key)
            return &table->clocks[i].model;
    }
    return NULL;
}

static uint32_t
class_count_of(const void *model, uint64_t leaf_key)
{
    const struct table_value *leaf = find_value(model, leaf_key);

    return leaf != NULL ? leaf->finished : 0;
}

static void
finish_of(const void *model, size_t place, int landmark, int bucket, struct foresight_finish *ret_finish)
{
    *ret_finish = ((const struct foresight_table *)model)->clocks[place].finishes[landmark][bucket];
}

static void
connect(struct foresight_table *table)
{
    for (size_t i = 0; i < table->contexts.count; i++)
        table->context_hashes[i] = foresight_context_hash(&table->contexts.at[i]);
    table->source.model = table;
    table->source.contexts = &table->contexts;
    table->source.context_hashes = table->context_hashes;
    table->source.clock = clock_of;
    table->source.cell = cell_of;
    table->source.cells = cells_of;
    table->source.lean_q16 = lean_of;
    table->source.class_count = class_count_of;
    table->source.finish = finish_of;
}

struct foresight_table *
foresight_table_read(struct slice bytes)
{
    struct foresight_table *table;
    struct slice from = {bytes.at, bytes.bytes - SUM_BYTES};

    if (bytes.bytes < SUM_BYTES ||
        hash_bytes(SUM_SEED, bytes.at, from.bytes) != foresight_word_at(bytes.at + from.bytes))
        return NULL;
    table = memory_allocate_zeroed(1, sizeof *table);
    if (!take_head(&from, table) || !take_leans(&from, table) || !take_values(&from, table)) {
        foresight_table_free(table);
        return NULL;
    }
    index_values(table);
    connect(table);
    return table;
}

void
foresight_table_free(struct foresight_table *table)
{
    if (table == NULL)
        return;
    memory_free(table->clocks);
    memory_free(table->values);
    memory_free(table->slots);
    memory_free(table->leans);
    memory_free(table);
}

uint64_t
foresight_table_version(const struct foresight_table *table)
{
    return table->source.version;
}

int64_t
foresight_table_at_ms(const struct foresight_table *table)
{
    return table->at_ms;
}

const struct foresight_contexts *
foresight_table_contexts(const struct foresight_table *table)
{
    return &table->contexts;
}

size_t
foresight_table_bytes(const struct foresight_table *table)
{
    return sizeof *table + table->clocks_count * sizeof *table->clocks +
           table->values_count * sizeof *table->values +
           (table->slots_mask + (size_t)1) * sizeof *table->slots +
           (table->leans_mask + (size_t)1) * sizeof *table->leans;
}

bool
foresight_table_forecast(const struct foresight_table *table, const struct foresight_query *query,
                         struct foresight_forecast *forecast)
{
    return foresight_forecast_from(&table->source, query, forecast);
}
