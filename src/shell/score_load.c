/*
 * The score task's loader.
 *
 * What: a thread that makes a score side ready: compiles the policies in force, reads the parts of a snapshot
 * and puts them together.
 *
 * Why so: ten million answers take seconds to count, and the loop has other tasks. So a score side shares
 * nothing with anybody, not even names: it is made here, and handed over whole.
 *
 * Always true: what is handed over is whole: every part of one head, or nothing of any; a load that nobody
 * waits for any more is still answered.
 *
 * Not here: whether a snapshot fits (score_plan.c), the log behind it (score_task.c).
 */
#include "shell/score_load.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/handover.h"
#include "shell/policy_record.h"
#include "shell/restore_plan.h"
#include "shell/snapshot_read.h"
#include "shell/wallclock.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SCORE_LOADS_MAX = 64, SCORE_LOAD_WAIT_MS = 500 };

struct score_loader {
    const struct config *config;
    struct log *log;
    struct handover *asked, *done;
    struct snapshot_reader *reader; /* of the thread */
    atomic_bool stopping;
    pthread_t thread;
};

/* ---- homes ---- */

static struct policy_set *
score_home_compile(struct symbols *symbols, struct slice sources)
{
    struct policy **policies = NULL;
    struct policy_error error;
    struct policy_set *set;
    struct slice id, source;
    size_t count = 0;

    while (restore_plan_take(&sources, &id, &source)) {
        policies = memory_resize(policies, (count + 1) * sizeof *policies);
        policies[count] = policy_record_load(source, id, symbols, &error);
        must(policies[count++] != NULL); /* it was read before */
    }
    must(count > 0);
    set = policy_set_new(policies, count, symbols);
    memory_free(policies);
    return set;
}

struct score_home *
score_home_new(const struct scores_options *options, struct slice sources)
{
    struct score_home *home = memory_allocate_zeroed(1, sizeof *home);
    struct scores_options own = *options;

    home->symbols = own.symbols = symbols_new();
    home->set = score_home_compile(home->symbols, sources);
    home->scores = scores_new(&own, home->set);
    scores_set_rebuilding(home->scores, true, 0);
    return home;
}

void
score_home_set_policies(struct score_home *home, struct slice sources, int64_t t_ms)
{
    struct policy_set *before = home->set;

    home->set = score_home_compile(home->symbols, sources);
    scores_set_policies(home->scores, home->set, t_ms);
    policy_set_free(before);
}

void
score_home_free(struct score_home *home)
{
    if (home == NULL)
        return;
    scores_free(home->scores);
    policy_set_free(home->set);
    symbols_free(home->symbols);
    memory_free(home);
}

void
score_load_free(struct score_load *load)
{
    if (load == NULL)
        return;
    score_home_free(load->home);
    buffer_free(&load->sources);
    buffer_free(&load->learned);
    buffer_free(&load->head);
    buffer_free(&load->before);
    memory_free(load);
}

/* ---- one load ---- */

struct score_taking {
    struct score_loader *loader;
    struct score_load *load;
};

static bool
score_load_take_part(void *context, uint32_t part, struct slice content)
{
    const struct score_taking *taking = context;

    if (part >= SCORES_PARTS_COUNT - SCORES_PARTS_OWN) {
        buffer_append_slice(&taking->load->learned, content);
        return true;
    }
    return !atomic_load(&taking->loader->stopping) &&
           scores_load_part(taking->load->home->scores, part, content) == 0;
}

static void
score_load_say_unusable(const struct score_loader *loader, int which, const char *why)
{
    log_write(loader->log, LOG_WARNING, "snapshot_unusable", LOG_TEXT("task", "scores"),
              LOG_TEXT("which", which == 0 ? "last" : "previous"), LOG_TEXT("why", why));
}

/* true: the home is loaded. false: it is spoiled, or as it was. */
static bool
score_load_from_head(struct score_loader *loader, struct score_load *load, int which)
{
    struct score_taking taking = {loader, load};
    const struct snapshot_taker taker = {.take_part = score_load_take_part, .context = &taking};
    char error[REDIS_ERROR_BYTES] = "";
    struct snapshot_head head;
    enum snapshot_verdict verdict =
        score_plan_judge(buffer_slice(which == 0 ? &load->head : &load->before), &load->found,
                         &load->identity, SCORES_PARTS_COUNT, load->now_ms, &head);
    bool loaded = false;

    if (verdict != SNAPSHOT_FITS) {
        score_load_say_unusable(loader, which, snapshot_verdict_text(verdict));
        return false;
    }
    if (snapshot_reader_buckets(loader->reader, SCORE_PLAN_PARTITION, &head, &taker, error) != 0)
        score_load_say_unusable(loader, which, error);
    else if (scores_load_end(load->home->scores) != 0)
        score_load_say_unusable(loader, which, "its parts make no whole");
    else
        loaded = true;
    if (loaded)
        load->offset = head.state_offset;
    snapshot_head_done(&head);
    return loaded;
}

static void
score_load_from_redis(struct score_loader *loader, struct score_load *load)
{
    char error[REDIS_ERROR_BYTES] = "";

    if (snapshot_reader_heads(loader->reader, SCORE_PLAN_PARTITION, wallclock_mono_ms(), &load->head,
                              &load->before, error) != 0) {
        buffer_reset(&load->head);
        buffer_reset(&load->before);
        score_load_say_unusable(loader, 0, error);
        return;
    }
    for (int which = 0; which < 2 && !atomic_load(&loader->stopping); which++) {
        if (score_load_from_head(loader, load, which)) {
            load->used = which;
            return;
        }
        buffer_reset(&load->learned);
        score_home_free(load->home);
        load->home = score_home_new(&load->options, buffer_slice(&load->sources));
    }
}

static void
score_load_run(struct score_loader *loader, struct score_load *load)
{
    int64_t begun_mono_ms = wallclock_mono_ms();

    load->home = score_home_new(&load->options, buffer_slice(&load->sources));
    load->offset = 0;
    load->used = -1;
    if (load->snapshots && load->identity.epoch > 0)
        score_load_from_redis(loader, load);
    load->took_ms = wallclock_mono_ms() - begun_mono_ms;
}

/* ---- the thread ---- */

static void *
score_loader_thread(void *context)
{
    struct score_loader *loader = context;

    while (!atomic_load(&loader->stopping)) {
        struct score_load *load = handover_take_wait(loader->asked, SCORE_LOAD_WAIT_MS);

        if (load == NULL)
            continue;
        score_load_run(loader, load);
        if (!handover_put(loader->done, load))
            score_load_free(load);
    }
    return NULL;
}

struct score_loader *
score_loader_new(const struct config *config, struct log *log)
{
    struct score_loader *loader = memory_allocate_zeroed(1, sizeof *loader);

    loader->config = config;
    loader->log = log;
    loader->reader = snapshot_reader_new(config, NULL);
    loader->asked = handover_new(SCORE_LOADS_MAX);
    loader->done = handover_new(SCORE_LOADS_MAX);
    must(pthread_create(&loader->thread, NULL, score_loader_thread, loader) == 0);
    return loader;
}

void
score_loader_free(struct score_loader *loader)
{
    struct score_load *load;

    if (loader == NULL)
        return;
    atomic_store(&loader->stopping, true);
    handover_close(loader->asked);
    handover_close(loader->done);
    must(pthread_join(loader->thread, NULL) == 0);
    while ((load = handover_take(loader->asked)) != NULL)
        score_load_free(load);
    while ((load = handover_take(loader->done)) != NULL)
        score_load_free(load);
    snapshot_reader_free(loader->reader);
    handover_free(loader->asked);
    handover_free(loader->done);
    memory_free(loader);
}

void
score_loader_submit(struct score_loader *loader, struct score_load *load)
{
    if (!handover_put(loader->asked, load))
        score_load_free(load);
}

struct score_load *
score_loader_take(struct score_loader *loader)
{
    return handover_take(loader->done);
}

int
score_loader_descriptor(const struct score_loader *loader)
{
    return handover_descriptor(loader->done);
}

void
score_loader_clear(struct score_loader *loader)
{
    handover_clear(loader->done);
}
