/*
 * Records on which this daemon died.
 *
 * What: one page, mapped from a file: the record being worked on, and a short list of those that were being
 * worked on when a process ended.
 *
 * Why so: a record that kills the daemon kills it again at every start, and nobody is paged meanwhile: one
 * ticket's bug must not take all others with it. Three deaths tell it from a machine that failed or a kill
 * that happened to come then. The note must cost next to nothing, since it is made twice for every record.
 *
 * Always true: `busy` is set last and cleared first; a suspect that was worked on without harm is none any
 * more; a file that cannot be read is begun anew, for it is worth three restarts at most.
 *
 * Not here: the dead letter (ingest.c).
 */
#include "shell/poison.h"
#include "base/hash.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POISON_MAGIC UINT64_C(0x32306e6f73696f70) /* "poison02", little-endian */

enum { POISON_PATH_BYTES = 4608, POISON_CONTENT_BYTES = 128 };

struct poison_place {
    uint32_t topic;
    int32_t partition;
    int64_t offset;
    uint64_t content; /* of how the record begins, and its length */
};

/* The file. */
struct poison_page {
    uint64_t magic;
    struct poison_place now;
    uint32_t busy;
    uint32_t next; /* of suspects: which is overwritten when all are taken */
    struct poison_suspect {
        struct poison_place place;
        uint32_t deaths; /* 0: free */
        uint32_t unused;
    } suspects[POISON_SUSPECTS_MAX];
};

struct poison {
    struct poison_page *page;       /* NULL: not to be had */
    struct poison_suspect *suspect; /* the record at hand, when it is one */
    size_t suspects_count;
};

/* Not a hole: to write into one on a full disk would kill us. */
static int
poison_reserve(int descriptor, off_t bytes)
{
    errno = posix_fallocate(descriptor, 0, bytes);
    return errno == 0 ? 0 : -1;
}

const struct poison_calls poison_calls_real = {open, poison_reserve, mmap};

static bool
poison_same(const struct poison_place *a, const struct poison_place *b)
{
    return a->topic == b->topic && a->partition == b->partition && a->offset == b->offset &&
           a->content == b->content;
}

static struct poison_suspect *
poison_find(struct poison_page *page, const struct poison_place *place)
{
    for (size_t i = 0; i < POISON_SUSPECTS_MAX; i++)
        if (page->suspects[i].deaths > 0 && poison_same(&page->suspects[i].place, place))
            return &page->suspects[i];
    return NULL;
}

/* A free place, or the one that was taken longest ago. */
static struct poison_suspect *
poison_place_for(struct poison_page *page)
{
    for (size_t i = 0; i < POISON_SUSPECTS_MAX; i++)
        if (page->suspects[i].deaths == 0)
            return &page->suspects[i];
    return &page->suspects[page->next++ % POISON_SUSPECTS_MAX];
}

/* The process before this one ended in the middle of a record. */
static void
poison_count_death(struct poison_page *page, const struct topics *topics, struct log *log)
{
    struct poison_suspect *suspect = poison_find(page, &page->now);

    page->busy = 0;
    if (page->now.topic >= TOPICS_COUNT)
        return;
    if (suspect == NULL) {
        suspect = poison_place_for(page);
        *suspect = (struct poison_suspect){.place = page->now};
    }
    suspect->deaths++;
    log_write(log, LOG_WARNING, "died_on_record", LOG_TEXT("topic", topics->names[page->now.topic]),
              LOG_INTEGER("partition", page->now.partition), LOG_INTEGER("offset", page->now.offset),
              LOG_INTEGER("deaths", suspect->deaths), LOG_INTEGER("put_aside_at", POISON_DEATHS_MAX));
}

/* state_dir/poison-INSTANCE, with what is no file name's letter replaced. */
static void
poison_path(const struct config *config, char path[POISON_PATH_BYTES])
{
    size_t begin = strlen(config->state_dir) + 1;

    snprintf(path, POISON_PATH_BYTES, "%s/poison-%s", config->state_dir, config->instance);
    for (char *at = path + begin; *at != '\0'; at++)
        if (*at == '/')
            *at = '_';
}

static struct poison_page *
poison_map(const char *path, const struct poison_calls *calls)
{
    int descriptor = calls->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    void *at = MAP_FAILED;

    if (descriptor < 0)
        return NULL;
    if (calls->resize(descriptor, sizeof(struct poison_page)) == 0)
        at = calls->map(NULL, sizeof(struct poison_page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    return at != MAP_FAILED ? at : NULL;
}

struct poison *
poison_new(const struct config *config, struct log *log, const struct poison_calls *calls)
{
    struct poison *poison = memory_allocate_zeroed(1, sizeof *poison);
    char path[POISON_PATH_BYTES];
    struct topics topics;

    poison_path(config, path);
    poison->page = poison_map(path, calls != NULL ? calls : &poison_calls_real);
    if (poison->page == NULL) {
        log_write(log, LOG_WARNING, "deaths_not_counted", LOG_TEXT("file", path),
                  LOG_TEXT("why", strerror(errno)),
                  LOG_TEXT("hint", "without it a record that kills the daemon is not put aside"));
        return poison;
    }
    if (poison->page->magic != POISON_MAGIC)
        *poison->page = (struct poison_page){.magic = POISON_MAGIC};
    topics_init(&topics, config);
    if (poison->page->busy != 0)
        poison_count_death(poison->page, &topics, log);
    topics_done(&topics);
    for (size_t i = 0; i < POISON_SUSPECTS_MAX; i++)
        poison->suspects_count += poison->page->suspects[i].deaths > 0;
    return poison;
}

void
poison_free(struct poison *poison)
{
    if (poison == NULL)
        return;
    if (poison->page != NULL)
        munmap(poison->page, sizeof *poison->page);
    memory_free(poison);
}

bool
poison_begin(struct poison *poison, enum topic topic, int32_t partition, int64_t offset, struct slice value)
{
    size_t looked_at = value.bytes < POISON_CONTENT_BYTES ? value.bytes : POISON_CONTENT_BYTES;
    struct poison_page *page = poison != NULL ? poison->page : NULL;

    if (page == NULL)
        return false;
    page->now = (struct poison_place){(uint32_t)topic, partition, offset,
                                      hash_bytes(value.bytes, value.at, looked_at)};
    poison->suspect = poison->suspects_count > 0 ? poison_find(page, &page->now) : NULL;
    if (poison->suspect != NULL && poison->suspect->deaths >= POISON_DEATHS_MAX)
        return true;
    atomic_signal_fence(
        memory_order_seq_cst); /* the death of this very thread: the order in memory is enough */
    page->busy = 1;
    atomic_signal_fence(memory_order_seq_cst);
    return false;
}

void
poison_end(struct poison *poison)
{
    struct poison_page *page = poison != NULL ? poison->page : NULL;

    if (page == NULL)
        return;
    atomic_signal_fence(memory_order_seq_cst);
    page->busy = 0;
    atomic_signal_fence(memory_order_seq_cst);
    if (poison->suspect != NULL && poison->suspect->deaths < POISON_DEATHS_MAX) {
        poison->suspect->deaths = 0;
        poison->suspects_count--;
    }
    poison->suspect = NULL;
}
