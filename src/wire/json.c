/*
 * What: the strict JSON door over cJSON.
 *
 * Why this way: cJSON builds trees well and is lenient: it takes 01, 1. and raw control characters, skips a
 * byte order mark, keeps the last of two equal keys, and loses integers in a double. So one pass of our own
 * goes over the bytes first and lets nothing pass that RFC 8259 and the rulings refuse, noting where each
 * value begins. Where no text needs more than a copy (no escape, nothing beyond ASCII) and no number more
 * than its digits, which is nearly always, cJSON's tree is put together from the notes; else cJSON parses
 * into a bump arena, and one walk marks the values. On the way keys that stand twice are found. The places
 * give numbers their exact digits back and messages their byte.
 *
 * Always true: both ways give the same tree (test_json compares them), and the n-th value of the walk is the
 * n-th of the pass (it is checked). The tree is never edited or deleted: it dies with the arena. During
 * cJSON's calls, and only then, `parsing` says so: cJSON's allocation hooks have no argument of their own.
 *
 * Not here: what a key means. cJSON keeps the place of its last error in a variable of the whole process,
 * written at every parse: nobody reads it, but doors of two threads must not parse at the same time.
 */
#include "wire/json.h"
#include "base/arena.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BLOCK_BYTES = 65536,
    CHUNK_BYTES = 8192,
    PIECE_ALIGNMENT = 8,                 /* what a struct cJSON needs */
    VALUES_MAX = JSON_BYTES_MAX / 2 + 1, /* a value and what parts it from the next */
    FEW_KEYS_MAX = 64,                   /* up to here keys are compared by pairs: a verdict has 41 */
    SHORT_INTEGER_BYTES = 18             /* with its sign; it fits int64_t */
};

/* What the pass found at one value. */
struct note {
    uint32_t place;      /* the byte where it begins */
    uint32_t key_place;  /* of its key, behind the quote */
    uint32_t level;      /* how many objects and lists it lies in */
    uint32_t key_bytes;  /* of its key; LENGTH_UNKNOWN when the key is not plain */
    uint32_t text_bytes; /* of a text; the same */
};

#define LENGTH_UNKNOWN UINT32_MAX

struct json {
    struct arena *arena;
    struct note *notes; /* of the n-th value, in the order of the text */
    uint32_t notes_count;
    struct slice text;
};

/* The pass over the bytes. Texts of `what` are static. */
struct scan {
    const unsigned char *begin;
    const unsigned char *at;
    const unsigned char *end;
    struct note *notes;
    uint32_t notes_count;
    uint32_t text_bytes; /* of the text read last */
    uint32_t key_bytes;  /* of the key before this value */
    uint32_t key_place;
    bool special;     /* a text was not plain, or a number no short integer */
    uint32_t objects; /* bit n: level n is an object, else a list */
    int depth;
    enum error_code error;
    const char *what;
};

/* Where cJSON's memory comes from while this thread is in a call of it: what is left of a chunk of the arena.
 */
static _Thread_local struct {
    struct arena *arena; /* NULL outside of such a call */
    char *chunk;
    size_t chunk_left;
} parsing;

/* ---- cJSON's memory ---- */

static __attribute__((noinline)) void *
allocate_beyond_chunk(size_t bytes)
{
    char *piece;

    if (parsing.arena == NULL)
        return memory_allocate(bytes);
    if (bytes > CHUNK_BYTES)
        return arena_allocate(parsing.arena, bytes);
    piece = arena_allocate(parsing.arena, CHUNK_BYTES);
    parsing.chunk = piece + bytes;
    parsing.chunk_left = CHUNK_BYTES - bytes;
    return piece;
}

/* Pieces are cut from a chunk: cJSON asks for some fifty an event. */
static void *
hook_allocate(size_t bytes)
{
    char *piece = parsing.chunk;

    must(bytes <= SIZE_MAX / 2);
    bytes = (bytes + (PIECE_ALIGNMENT - 1)) & ~(size_t)(PIECE_ALIGNMENT - 1);
    if (__builtin_expect(bytes > parsing.chunk_left, 0))
        return allocate_beyond_chunk(bytes);
    parsing.chunk = piece + bytes;
    parsing.chunk_left -= bytes;
    return piece;
}

static void
hook_free(void *pointer)
{
    if (parsing.arena == NULL)
        memory_free(pointer);
}

struct json *
json_new(void)
{
    cJSON_Hooks hooks = {.malloc_fn = hook_allocate, .free_fn = hook_free};
    struct json *json = memory_allocate_zeroed(1, sizeof *json);

    cJSON_InitHooks(&hooks);
    json->arena = arena_new(ARENA_BLOCK_BYTES);
    json->notes = memory_allocate(VALUES_MAX * sizeof *json->notes);
    return json;
}

void
json_free(struct json *json)
{
    if (json == NULL)
        return;
    arena_free(json->arena);
    memory_free(json->notes);
    memory_free(json);
}

size_t
json_bytes(const struct json *json)
{
    return sizeof *json + arena_bytes(json->arena) + VALUES_MAX * sizeof *json->notes;
}

/* ---- the pass ---- */

static bool
refuse(struct scan *scan, enum error_code error, const char *what)
{
    scan->error = error;
    scan->what = what;
    return false;
}

static inline void
skip_space(struct scan *scan)
{
    const unsigned char *at = scan->at;

    while (at < scan->end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    scan->at = at;
}

/* Bytes of the well-formed UTF-8 sequence at `at` (Unicode, table 3-7), 0 when it is none. U+0000 is none. */
static size_t
utf8_bytes(const unsigned char *at, const unsigned char *end)
{
    size_t left = (size_t)(end - at);
    unsigned char second_min = 0x80, second_max = 0xbf;
    size_t bytes;

    if (at[0] < 0x80)
        return at[0] != 0;
    bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || left < bytes)
        return 0;
    if (at[0] == 0xe0)
        second_min = 0xa0;
    else if (at[0] == 0xed)
        second_max = 0x9f;
    else if (at[0] == 0xf0)
        second_min = 0x90;
    else if (at[0] == 0xf4)
        second_max = 0x8f;
    if (at[1] < second_min || at[1] > second_max)
        return 0;
    for (size_t i = 2; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return bytes;
}

/* Four hex digits as a number, -1 when they are not. */
static int32_t
hex4(const unsigned char *at, const unsigned char *end)
{
    int32_t value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned char lower = at[i] | 0x20;

        if (at[i] >= '0' && at[i] <= '9')
            value = value * 16 + (at[i] - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* scan->at is on the u of \uXXXX. */
static bool
scan_unicode_escape(struct scan *scan)
{
    int32_t unit = hex4(scan->at + 1, scan->end);

    if (unit < 0)
        return refuse(scan, ERROR_BAD_JSON, "\\u without four hexadecimal digits");
    if (unit == 0)
        return refuse(scan, ERROR_BAD_UTF8, "\\u0000");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return refuse(scan, ERROR_BAD_UTF8, "a lone surrogate");
    if (unit >= 0xd800 && unit <= 0xdbff) {
        const unsigned char *low = scan->at + 5;
        int32_t low_unit =
            scan->end - low >= 2 && low[0] == '\\' && low[1] == 'u' ? hex4(low + 2, scan->end) : -1;

        if (low_unit < 0xdc00 || low_unit > 0xdfff)
            return refuse(scan, ERROR_BAD_UTF8, "a lone surrogate");
        scan->at += 6;
    }
    scan->at += 5;
    return true;
}

/* scan->at is on a byte that is not plain: moves behind what it begins. */
static bool
scan_special(struct scan *scan)
{
    size_t bytes;

    if (*scan->at == '\\') {
        scan->at++;
        if (scan->at == scan->end)
            return refuse(scan, ERROR_BAD_JSON, "a text without an end");
        if (*scan->at == 'u')
            return scan_unicode_escape(scan);
        if (memchr("\"\\/bfnrt", *scan->at, 8) == NULL)
            return refuse(scan, ERROR_BAD_JSON, "an escape that JSON does not have");
        scan->at++;
        return true;
    }
    if (*scan->at < 0x20)
        return refuse(scan, ERROR_BAD_JSON, "a raw control character in a text");
    bytes = utf8_bytes(scan->at, scan->end);
    if (bytes == 0)
        return refuse(scan, ERROR_BAD_UTF8, "malformed UTF-8");
    scan->at += bytes;
    return true;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Behind the plain bytes at `at`: printable ASCII but " and \. Sixteen at a time where the machine compares
 * bytes side by side (bytes of a text are signed there: from 0x80 on they are below the space too). Else
 * eight in a word: a subtraction borrows only from above the lowest byte that is not plain, so the lowest
 * mark is exact. */
static inline const unsigned char *
plain_end(const unsigned char *at, const unsigned char *end)
{
#if defined(__SSE2__)
    typedef signed char bytes16 __attribute__((vector_size(16)));
    typedef char chars16 __attribute__((vector_size(16)));

    while (end - at >= 16) {
        bytes16 block, special;
        int marks;

        memcpy(&block, at, sizeof block);
        special = (bytes16)(block == '"') | (bytes16)(block == '\\') | (bytes16)(block < ' ');
        marks = __builtin_ia32_pmovmskb128((chars16)special);
        if (marks != 0)
            return at + __builtin_ctz((unsigned)marks);
        at += 16;
    }
#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - at >= 8) {
        uint64_t word, quotes, escapes, marks;

        memcpy(&word, at, 8);
        quotes = word ^ EACH_BYTE('"');
        escapes = word ^ EACH_BYTE('\\');
        marks = ((quotes - EACH_BYTE(1)) | (escapes - EACH_BYTE(1)) | (word - EACH_BYTE(0x20)) | word) &
                EACH_BYTE(0x80);
        if (marks != 0)
            return at + (__builtin_ctzll(marks) >> 3);
        at += 8;
    }
#endif
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* The rest of a text that is not plain all through. scan->at is on its first byte that is not. */
static bool
scan_rest_of_text(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '"') {
        const unsigned char *special = scan->at;

        if (!scan_special(scan)) {
            scan->at = special;
            return false;
        }
        scan->at = plain_end(scan->at, scan->end);
    }
    if (scan->at == scan->end)
        return refuse(scan, ERROR_BAD_JSON, "a text without an end");
    scan->at++;
    scan->text_bytes = LENGTH_UNKNOWN;
    scan->special = true;
    return true;
}

/* scan->at is on the opening quote. */
static inline bool
scan_text(struct scan *scan)
{
    const unsigned char *first = scan->at + 1;
    const unsigned char *at = plain_end(first, scan->end);

    scan->at = at;
    if (__builtin_expect(at == scan->end || *at != '"', 0))
        return scan_rest_of_text(scan);
    scan->text_bytes = (uint32_t)(at - first);
    scan->at++;
    return true;
}

static bool
skip_digits(struct scan *scan)
{
    const unsigned char *first = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > first;
}

static inline bool
is_at(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == (unsigned char)byte;
}

static bool
scan_number(struct scan *scan)
{
    const unsigned char *first = scan->at, *digits_end;
    bool sound;

    if (*scan->at == '-')
        scan->at++;
    if (is_at(scan, '0')) {
        scan->at++;
        sound = true;
    } else {
        sound = skip_digits(scan);
    }
    digits_end = scan->at;
    if (sound && is_at(scan, '.')) {
        scan->at++;
        sound = skip_digits(scan);
    }
    if (sound && (is_at(scan, 'e') || is_at(scan, 'E'))) {
        scan->at++;
        if (is_at(scan, '+') || is_at(scan, '-'))
            scan->at++;
        sound = skip_digits(scan);
    }
    if (!sound)
        return refuse(scan, ERROR_BAD_JSON, "a number that JSON does not have");
    if (scan->at - first > JSON_NUMBER_BYTES_MAX) {
        scan->at = first;
        return refuse(scan, ERROR_NUMBER_OUT_OF_RANGE, "a number of more than 63 characters");
    }
    scan->special |= scan->at != digits_end || scan->at - first > SHORT_INTEGER_BYTES;
    return true;
}

static bool
scan_word(struct scan *scan, const char *word, size_t bytes)
{
    if ((size_t)(scan->end - scan->at) < bytes || memcmp(scan->at, word, bytes) != 0)
        return refuse(scan, ERROR_BAD_JSON, "expected a value");
    scan->at += bytes;
    return true;
}

/* A value that holds no others. */
static inline bool
scan_scalar(struct scan *scan)
{
    switch (*scan->at) {
    case '"':
        return scan_text(scan);
    case 't':
        return scan_word(scan, "true", 4);
    case 'f':
        return scan_word(scan, "false", 5);
    case 'n':
        return scan_word(scan, "null", 4);
    default:
        if (*scan->at != '-' && (*scan->at < '0' || *scan->at > '9'))
            return refuse(scan, ERROR_BAD_JSON, "expected a value");
        return scan_number(scan);
    }
}

/* `"key" :` and the space around it. */
static inline bool
scan_key(struct scan *scan)
{
    skip_space(scan);
    if (!is_at(scan, '"'))
        return refuse(scan, ERROR_BAD_JSON, "expected a key in quotes");
    scan->key_place = (uint32_t)(scan->at + 1 - scan->begin);
    if (!scan_text(scan))
        return false;
    scan->key_bytes = scan->text_bytes;
    skip_space(scan);
    if (!is_at(scan, ':'))
        return refuse(scan, ERROR_BAD_JSON, "expected : behind the key");
    scan->at++;
    return true;
}

/* Members whose keys are plain, whose values are plain texts or null, and that stand without a space between:
 * nearly all, so they have a loop of their own. scan->at is where a key may begin, and in the end where one
 * must that is otherwise, or the last of its object. */
static void
scan_plain_members(struct scan *scan)
{
    const unsigned char *const begin = scan->begin, *const end = scan->end;
    struct note *note = &scan->notes[scan->notes_count];
    const unsigned char *key = scan->at, *value, *after;

    while (key < end && *key == '"') {
        const unsigned char *key_end = plain_end(key + 1, end);

        if (end - key_end < 7 || key_end[0] != '"' || key_end[1] != ':')
            break;
        value = key_end + 2;
        if (*value == '"') {
            after = plain_end(value + 1, end);
            if (end - after < 2 || *after++ != '"')
                break;
        } else if (memcmp(value, "null", 4) == 0) {
            after = value + 4;
        } else {
            break;
        }
        if (*after != ',')
            break;
        *note++ = (struct note){.place = (uint32_t)(value - begin),
                                .key_place = (uint32_t)(key + 1 - begin),
                                .level = (uint32_t)scan->depth,
                                .key_bytes = (uint32_t)(key_end - key - 1),
                                .text_bytes = (uint32_t)(after - value - 2)};
        key = after + 1;
    }
    scan->notes_count = (uint32_t)(note - scan->notes);
    scan->at = key;
}

/* What comes up to a value of its own kind, and its key. */
static bool
scan_members(struct scan *scan)
{
    scan_plain_members(scan);
    return scan_key(scan);
}

static inline bool
in_object(const struct scan *scan)
{
    return (scan->objects >> (scan->depth - 1) & 1) != 0;
}

/* scan->at is on { or [. ret_empty: it is closed again at once. */
static bool
scan_open(struct scan *scan, bool *ret_empty)
{
    bool object = *scan->at == '{';

    if (scan->depth == JSON_DEPTH_MAX)
        return refuse(scan, ERROR_NESTED_TOO_DEEP, "more than 32 levels");
    scan->objects &= ~(UINT32_C(1) << scan->depth);
    scan->objects |= (uint32_t)object << scan->depth;
    scan->depth++;
    scan->at++;
    skip_space(scan);
    *ret_empty = is_at(scan, object ? '}' : ']');
    if (*ret_empty) {
        scan->at++;
        scan->depth--;
        return true;
    }
    return !object || scan_members(scan);
}

/* Behind a value: closes what ends here and moves to the next value. At depth 0 the text is over. */
static inline bool
scan_next(struct scan *scan)
{
    while (scan->depth > 0) {
        bool object = in_object(scan);

        skip_space(scan);
        if (is_at(scan, ',')) {
            scan->at++;
            return !object || scan_members(scan);
        }
        if (!is_at(scan, object ? '}' : ']'))
            return refuse(scan, ERROR_BAD_JSON, object ? "expected , or }" : "expected , or ]");
        scan->at++;
        scan->depth--;
    }
    return true;
}

/* One object and nothing behind it but space. */
static bool
scan_object(struct scan *scan)
{
    skip_space(scan);
    if (!is_at(scan, '{'))
        return refuse(scan, ERROR_BAD_JSON, "expected one JSON object");
    do {
        struct note *note;
        bool empty = true;

        skip_space(scan);
        if (scan->at == scan->end)
            return refuse(scan, ERROR_BAD_JSON, "the text ends within");
        note = &scan->notes[scan->notes_count++];
        note->place = (uint32_t)(scan->at - scan->begin);
        note->key_bytes = scan->key_bytes;
        note->key_place = scan->key_place;
        note->level = (uint32_t)scan->depth;
        if (*scan->at == '{' || *scan->at == '[') {
            if (!scan_open(scan, &empty))
                return false;
        } else if (!scan_scalar(scan)) {
            return false;
        }
        note->text_bytes = scan->text_bytes; /* means something for a text */
        if (empty && !scan_next(scan))
            return false;
    } while (scan->depth > 0);
    skip_space(scan);
    if (scan->at != scan->end)
        return refuse(scan, ERROR_BAD_JSON, "something behind the object");
    return true;
}

/* A text that is not UTF-8 at all is called that, whatever else is wrong with it. */
static void
prefer_bad_utf8(struct scan *scan)
{
    for (const unsigned char *at = scan->begin; at < scan->end;) {
        size_t bytes = utf8_bytes(at, scan->end);

        if (bytes == 0) {
            scan->at = at;
            (void)refuse(scan, ERROR_BAD_UTF8, *at == 0 ? "a NUL byte" : "malformed UTF-8");
            return;
        }
        at += bytes;
    }
}

/* ---- keys that stand twice ---- */

static int
compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
duplicate_of_many(struct arena *arena, const struct cJSON *object, size_t count)
{
    const char **keys = arena_allocate(arena, count * sizeof *keys);
    size_t i = 0;

    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        keys[i++] = member->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return keys[i];
    }
    return NULL;
}

/* A key that stands before `last` in its object too. */
static bool
stands_before(const struct cJSON *object, const struct cJSON *last)
{
    unsigned key_bytes = (unsigned)last->valueint >> JSON_INDEX_BITS;

    for (const struct cJSON *member = object->child; member != last; member = member->next) {
        if ((unsigned)member->valueint >> JSON_INDEX_BITS == key_bytes &&
            strcmp(member->string, last->string) == 0)
            return true;
    }
    return false;
}

/* Writes into the value where it stands in the text and how long its key and its text are (json.h reads it).
 */
static inline void
mark_value(const struct json *json, struct cJSON *value, uint32_t index)
{
    struct note note;
    size_t key_bytes;

    must(index < json->notes_count);
    note = json->notes[index];
    key_bytes = note.key_bytes;
    if (value->string != NULL && key_bytes == LENGTH_UNKNOWN)
        key_bytes = strlen(value->string);
    if (key_bytes > JSON_KEY_LONG)
        key_bytes = JSON_KEY_LONG;
    value->valueint = (int)(index | (uint32_t)key_bytes << JSON_INDEX_BITS);
    if (json_is_text(value))
        value->valuedouble =
            (double)(note.text_bytes == LENGTH_UNKNOWN ? strlen(value->valuestring) : note.text_bytes);
}

/* One of 256. The factors are those of event_read.c: the keys of an event all have marks of their own. */
static inline unsigned
mark_of_key(struct slice key)
{
    if (key.bytes == 0)
        return 0;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what has bytes has a place */
    return ((unsigned)key.bytes + (unsigned char)key.at[0] + (unsigned char)key.at[key.bytes / 2] * 7U) & 255;
}

/* Marks the values of the tree in the order of the text and returns a key that stands twice in one object,
 * NULL when there is none. A key is compared with the ones before it only when its mark is taken. */
static const char *
mark_values(struct json *json, struct cJSON *parent, uint32_t *next)
{
    bool object = json_is_object(parent);
    uint64_t seen[4] = {0, 0, 0, 0};
    size_t count = 0;

    for (struct cJSON *value = parent->child; value != NULL; value = value->next) {
        mark_value(json, value, (*next)++);
        if (object && ++count <= FEW_KEYS_MAX) {
            unsigned mark = mark_of_key(json_key(value));
            uint64_t bit = UINT64_C(1) << (mark & 63);

            if ((seen[mark >> 6] & bit) != 0 && stands_before(parent, value))
                return value->string;
            seen[mark >> 6] |= bit;
        }
        if (value->child != NULL) {
            const char *twice = mark_values(json, value, next);

            if (twice != NULL)
                return twice;
        }
    }
    return object && count > FEW_KEYS_MAX ? duplicate_of_many(json->arena, parent, count) : NULL;
}

/* ---- the tree out of the notes ---- */

/* An object or list that is open while the notes are walked. */
struct level {
    struct cJSON *parent, *last;
    uint64_t seen[4]; /* marks of the keys so far */
    size_t count;
};

static int
type_at(const char *at)
{
    switch (*at) {
    case '"':
        return cJSON_String;
    case '{':
        return cJSON_Object;
    case '[':
        return cJSON_Array;
    case 't':
        return cJSON_True;
    case 'f':
        return cJSON_False;
    case 'n':
        return cJSON_NULL;
    default:
        return cJSON_Number;
    }
}

/* As cJSON keeps a number. */
static double
short_integer(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t integer = 0;

    for (at += negative; at < end && *at >= '0' && *at <= '9'; at++)
        integer = integer * 10 + (*at - '0');
    return negative ? -(double)integer : (double)integer;
}

/* The member's key, out of the copy of the text. true: it stands in its object already. */
static bool
name_member(struct level *level, struct cJSON *member, char *key, uint32_t key_bytes)
{
    unsigned mark;
    uint64_t bit;
    bool taken;

    key[key_bytes] = '\0';
    member->string = key;
    member->valueint |=
        (int)((key_bytes < JSON_KEY_LONG ? key_bytes : (uint32_t)JSON_KEY_LONG) << JSON_INDEX_BITS);
    if (++level->count > FEW_KEYS_MAX)
        return false; /* all of them are compared when all are known */
    mark = mark_of_key(json_key(member));
    bit = UINT64_C(1) << (mark & 63);
    taken = (level->seen[mark >> 6] & bit) != 0;
    level->seen[mark >> 6] |= bit;
    return taken && stands_before(level->parent, member);
}

static void
hang_up(struct level *level, struct cJSON *value)
{
    if (level->last == NULL)
        level->parent->child = value;
    else
        level->last->next = value;
    value->prev = level->last;
    level->last = value;
}

/* The text once more, so that its texts can end with a NUL where their quotes stand; ret_twice: a key that
 * stands twice in one object, untouched when there is none. */
static struct cJSON *
build(struct json *json, const char **ret_twice)
{
    char *copy = arena_allocate(json->arena, json->text.bytes);
    struct cJSON *values = arena_allocate(json->arena, json->notes_count * sizeof *values);
    struct level levels[JSON_DEPTH_MAX];

    memcpy(copy, json->text.at, json->text.bytes);
    for (uint32_t i = 0; i < json->notes_count; i++) {
        const struct note *note = &json->notes[i];
        struct level *level = note->level > 0 ? &levels[note->level - 1] : NULL;
        char *at = copy + note->place;

        values[i] = (struct cJSON){.type = type_at(at), .valueint = (int)i};
        if (values[i].type == cJSON_String) {
            values[i].valuestring = at + 1;
            values[i].valuedouble = note->text_bytes;
            at[1 + note->text_bytes] = '\0';
        } else if (values[i].type == cJSON_Number)
            values[i].valuedouble = short_integer(at, copy + json->text.bytes);
        else if (values[i].type == cJSON_Object || values[i].type == cJSON_Array)
            levels[note->level] = (struct level){.parent = &values[i]};
        if (level == NULL)
            continue;
        hang_up(level, &values[i]);
        if (level->parent->type != cJSON_Object)
            continue;
        if (name_member(level, &values[i], copy + note->key_place, note->key_bytes))
            *ret_twice = values[i].string;
        if (level->count > FEW_KEYS_MAX)
            level->parent->valuedouble = (double)level->count;
    }
    for (uint32_t i = 0; i < json->notes_count && *ret_twice == NULL; i++)
        if (values[i].type == cJSON_Object && values[i].valuedouble > FEW_KEYS_MAX)
            *ret_twice = duplicate_of_many(json->arena, &values[i], (size_t)values[i].valuedouble);
    return values;
}

/* ---- the door ---- */

static enum error_code
detail_of_scan(const struct scan *scan, char detail[JSON_DETAIL_BYTES])
{
    (void)snprintf(detail, JSON_DETAIL_BYTES, "%s at byte %zu", scan->what, (size_t)(scan->at - scan->begin));
    return scan->error;
}

/* The key in a message: short, printable. */
static enum error_code
detail_of_duplicate(const char *key, char detail[JSON_DETAIL_BYTES])
{
    char shown[65];
    size_t bytes = 0;

    for (; bytes < sizeof shown - 1 && key[bytes] != '\0'; bytes++)
        shown[bytes] =
            (unsigned char)key[bytes] < 0x20 || (unsigned char)key[bytes] >= 0x7f ? '?' : key[bytes];
    shown[bytes] = '\0';
    (void)snprintf(detail, JSON_DETAIL_BYTES, "%s: the key stands twice in one object", shown);
    return ERROR_DUPLICATE_KEY;
}

static enum error_code
scan_all(struct json *json, struct slice text, bool *ret_special, char detail[JSON_DETAIL_BYTES])
{
    const unsigned char *begin = (const unsigned char *)text.at;
    struct scan scan = {.begin = begin, .at = begin, .end = begin + text.bytes, .notes = json->notes};

    if (text.bytes >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0) {
        (void)refuse(&scan, ERROR_BAD_JSON, "a byte order mark");
    } else if (scan_object(&scan)) {
        json->notes_count = scan.notes_count;
        *ret_special = scan.special;
        return ERROR_NONE;
    }
    prefer_bad_utf8(&scan);
    return detail_of_scan(&scan, detail);
}

static struct cJSON *
parse(struct json *json, struct slice text)
{
    struct cJSON *tree;

    must(parsing.arena == NULL);
    parsing.arena = json->arena;
    tree = cJSON_ParseWithLengthOpts(text.at, text.bytes, NULL, 0);
    parsing.arena = NULL;
    parsing.chunk_left = 0;
    return tree;
}

/* By cJSON's own parser. NULL: it does not take the text. */
static struct cJSON *
parse_and_mark(struct json *json, const char **ret_twice)
{
    struct cJSON *tree = parse(json, json->text);
    uint32_t next = 1;

    if (tree == NULL)
        return NULL;
    tree->valueint = 0;
    *ret_twice = mark_values(json, tree, &next);
    must(*ret_twice != NULL || next == json->notes_count);
    return tree;
}

enum error_code
json_read(struct json *json, struct slice text, const struct cJSON **ret_object,
          char detail[JSON_DETAIL_BYTES])
{
    enum error_code error;
    struct cJSON *tree;
    const char *twice = NULL;
    bool special = false;

    if (text.bytes > JSON_BYTES_MAX) {
        (void)snprintf(detail, JSON_DETAIL_BYTES, "%zu bytes, at most %d are taken", text.bytes,
                       JSON_BYTES_MAX);
        return ERROR_TOO_LARGE;
    }
    if (text.at == NULL)
        text.at = "";
    arena_reset(json->arena);
    json->text = text;
    error = scan_all(json, text, &special, detail);
    if (error != ERROR_NONE)
        return error;
    tree = special ? parse_and_mark(json, &twice) : build(json, &twice);
    if (tree == NULL) { /* never seen: what the pass lets through is a part of what cJSON takes */
        (void)snprintf(detail, JSON_DETAIL_BYTES, "not taken by the parser");
        return ERROR_BAD_JSON;
    }
    if (twice != NULL)
        return detail_of_duplicate(twice, detail);
    *ret_object = tree;
    return ERROR_NONE;
}

size_t
json_offset(const struct json *json, const struct cJSON *value)
{
    uint32_t index = (uint32_t)value->valueint & JSON_INDEX_MASK;

    must(index < json->notes_count);
    return json->notes[index].place;
}

struct slice
json_number(const struct json *json, const struct cJSON *value)
{
    size_t first = json_offset(json, value);
    size_t end = first;

    must(json_is_number(value));
    while (end < json->text.bytes && json->text.at[end] != '\0' &&
           strchr("+-.0123456789eE", json->text.at[end]) != NULL)
        end++;
    return (struct slice){json->text.at + first, end - first};
}

int
json_integer(const struct json *json, const struct cJSON *value, int64_t *ret_integer)
{
    const char *at = json->text.at + json_offset(json, value), *end = json->text.at + json->text.bytes;
    bool negative = *at == '-';
    int64_t integer = 0;

    must(json_is_number(value));
    for (at += negative; at < end && *at >= '0' && *at <= '9'; at++) {
        integer = integer * 10 + (*at - '0');
        if (integer > JSON_INTEGER_MAX)
            return -1;
    }
    if (at < end && (*at == '.' || *at == 'e' || *at == 'E'))
        return -1;
    *ret_integer = negative ? -integer : integer;
    return 0;
}

bool
json_is_utf8(struct slice text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    const unsigned char *end = text.bytes > 0 ? at + text.bytes : at; /* at may be NULL */

    while (at < end) {
        size_t bytes = utf8_bytes(at, end);

        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

const char *
json_kind_text(const struct cJSON *value)
{
    switch (value->type & 0xff) {
    case cJSON_NULL:
        return "null";
    case cJSON_True:
        return "true";
    case cJSON_False:
        return "false";
    case cJSON_Number:
        return "number";
    case cJSON_String:
        return "text";
    case cJSON_Array:
        return "list";
    default:
        return "object";
    }
}
