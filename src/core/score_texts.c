/*
 * What: a heap of short texts, one behind the other, each known by its offset.
 *
 * Why this way: an id of 20 bytes costs 21 here and 70 in a table of symbols, and there is one for every
 * answer. They come and go in about the order of time, so what is dropped is only counted, and when half is
 * garbage the owner copies the living into a new heap.
 *
 * Always true: a text is a varint length and its bytes; offset 0 is never a text; garbage <= used.
 *
 * Not here: finding a text (the owner's index), moving (the owner knows who refers).
 */
#include "core/score_texts.h"
#include "base/memory.h"
#include "base/panic.h"
#include "base/varint.h"

enum { ROOM_MIN = 256 };

void
score_texts_init(struct score_texts *texts)
{
    *texts = (struct score_texts){.used = 1, .room = ROOM_MIN};
    texts->bytes = memory_allocate_zeroed(1, ROOM_MIN);
}

void
score_texts_done(struct score_texts *texts)
{
    memory_free(texts->bytes);
    texts->bytes = NULL;
}

uint32_t
score_texts_add(struct score_texts *texts, struct slice text)
{
    size_t place = texts->used;
    size_t need = text.bytes + VARINT_BYTES_MAX;

    if (text.at == NULL)
        return 0;
    if (texts->room - texts->used < need) {
        texts->room += texts->room / 2 + need;
        texts->bytes = memory_resize(texts->bytes, texts->room);
    }
    texts->used += varint_put(texts->bytes + texts->used, text.bytes);
    if (text.bytes > 0)
        memcpy(texts->bytes + texts->used, text.at, text.bytes);
    texts->used += text.bytes;
    must(texts->used <= UINT32_MAX);
    return (uint32_t)place;
}

struct slice
score_texts_get(const struct score_texts *texts, uint32_t text)
{
    struct slice from = {texts->bytes + text, texts->used - text};
    struct slice found = {NULL, 0};

    if (text == 0)
        return found;
    must(text < texts->used && varint_get_slice(&from, &found) == 0);
    return found;
}

void
score_texts_drop(struct score_texts *texts, uint32_t text)
{
    if (text != 0)
        texts->garbage += score_texts_get(texts, text).bytes + 1;
}
