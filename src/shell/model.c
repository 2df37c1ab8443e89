/*
 * What others have learned, as it stands on slad.scores.
 *
 * What: pieces by number; when all of one version are there, the table they make.
 *
 * Why so: pieces are written in one transaction, but a reader from the beginning of a compacted topic may see
 * them at any distance; so nothing is believed before all of one version are there and the whole is a sound
 * table.
 *
 * Always true: the table is whole or there is none; a version is put together once.
 *
 * Not here: what a table says (core/foresight), who learns it (learning.c).
 */
#include "shell/model.h"
#include "base/memory.h"
#include "slad/foresight.h"
#include "wire/json.h"
#include <openssl/evp.h>
#include <string.h>

enum { PIECE_TEXT_BYTES_MAX = 256 * 1024 };

static const char prefix[] = "risk_model/";

struct piece {
    int64_t version, pieces, table_bytes;
    unsigned char *bytes;
    size_t bytes_count;
};

struct model {
    struct log *log;
    struct json *json;
    struct piece pieces[MODEL_PIECES_MAX];
    struct foresight_table *table, *before;
    int64_t version;
};

struct model *
model_new(struct log *log)
{
    struct model *model = memory_allocate_zeroed(1, sizeof *model);

    model->log = log;
    model->json = json_new();
    model->version = -1;
    return model;
}

static void
drop_piece(struct piece *piece)
{
    memory_free(piece->bytes);
    *piece = (struct piece){.version = -1};
}

void
model_free(struct model *model)
{
    if (model == NULL)
        return;
    for (size_t i = 0; i < MODEL_PIECES_MAX; i++)
        drop_piece(&model->pieces[i]);
    foresight_table_free(model->table);
    foresight_table_free(model->before);
    json_free(model->json);
    memory_free(model);
}

bool
model_is_piece(struct slice key)
{
    return key.bytes > sizeof prefix - 1 && memcmp(key.at, prefix, sizeof prefix - 1) == 0;
}

const struct foresight_table *
model_table(const struct model *model)
{
    return model->table;
}

static int64_t
number_of(const struct model *model, const struct cJSON *object, const char *key)
{
    int64_t value;

    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), key) && json_is_number(member) &&
            json_integer(model->json, member, &value) == 0)
            return value;
    return -1;
}

static struct slice
text_of(const struct cJSON *object, const char *key)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), key) && json_is_text(member))
            return json_text(member);
    return (struct slice){NULL, 0};
}

/* Four characters are three bytes; what was filled up at the end is in table_bytes. */
static bool
read_piece(struct model *model, struct slice value, size_t *ret_place, struct piece *ret_piece)
{
    char detail[JSON_DETAIL_BYTES];
    const struct cJSON *object;
    struct slice text;
    int64_t place;
    int bytes;

    if (json_read(model->json, value, &object, detail) != ERROR_NONE)
        return false;
    place = number_of(model, object, "piece");
    *ret_piece = (struct piece){.version = number_of(model, object, "version"),
                                .pieces = number_of(model, object, "pieces"),
                                .table_bytes = number_of(model, object, "bytes")};
    text = text_of(object, "table");
    if (ret_piece->version < 0 || ret_piece->pieces < 1 || ret_piece->pieces > MODEL_PIECES_MAX || place < 0 ||
        place >= ret_piece->pieces || ret_piece->table_bytes < 1 || text.at == NULL || text.bytes % 4 != 0 ||
        text.bytes > PIECE_TEXT_BYTES_MAX)
        return false;
    ret_piece->bytes = memory_allocate(text.bytes / 4 * 3 + 1);
    bytes = EVP_DecodeBlock(ret_piece->bytes, (const unsigned char *)text.at, (int)text.bytes);
    if (bytes < 0) {
        memory_free(ret_piece->bytes);
        return false;
    }
    ret_piece->bytes_count = (size_t)bytes;
    *ret_place = (size_t)place;
    return true;
}

/* All pieces of this version, one behind the other. false: some are missing yet. */
static bool
put_together(const struct model *model, const struct piece *like, struct buffer *out)
{
    for (int64_t i = 0; i < like->pieces; i++) {
        const struct piece *piece = &model->pieces[i];

        if (piece->bytes == NULL || piece->version != like->version || piece->pieces != like->pieces ||
            piece->table_bytes != like->table_bytes)
            return false;
        buffer_append(out, piece->bytes, piece->bytes_count);
    }
    if (out->bytes < (size_t)like->table_bytes || out->bytes > (size_t)like->table_bytes + 2)
        return false;
    out->bytes = (size_t)like->table_bytes;
    return true;
}

static void
refuse(struct model *model, struct slice key, const char *why)
{
    log_write(model->log, LOG_WARNING, "risk_model_refused", LOG_SLICE("key", key), LOG_TEXT("why", why));
}

bool
model_take(struct model *model, struct slice key, struct slice value)
{
    struct buffer whole = {0};
    struct foresight_table *table = NULL;
    struct piece piece;
    size_t place;

    if (value.bytes == 0)
        return false; /* the table stays: nobody has a better one */
    if (!read_piece(model, value, &place, &piece)) {
        refuse(model, key, "no piece of a table");
        return false;
    }
    drop_piece(&model->pieces[place]);
    model->pieces[place] = piece;
    if (piece.version != model->version && put_together(model, &piece, &whole)) {
        table = foresight_table_read(buffer_slice(&whole));
        if (table == NULL)
            refuse(model, key, "no sound table");
    }
    buffer_free(&whole);
    if (table == NULL)
        return false;
    foresight_table_free(model->before);
    model->before = model->table;
    model->table = table;
    model->version = piece.version;
    return true;
}
