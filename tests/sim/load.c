/*
 * The load of one run: some hundred tickets' lives, as a service desk tells them: answers, waits, changed
 * minds, late proof, things told twice, merges across partitions, broken records, poison.
 */
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/partitioner.h"
#include "sim.h"
#include <stdarg.h>
#include <string.h>

enum { LOAD_BACKFILL_TICKETS = 100, LOAD_LENGTH_MS = 45000, LOAD_LIFE_MAX = 16, LOAD_ANSWERS = 120 };

/* One ticket at a time. */
struct load_life {
    struct load *load;
    struct chance *chance;
    char ticket[16];
    int32_t partition;
    unsigned told, first;
};

static struct load_event *
load_add(struct load *load)
{
    if (load->count == load->room) {
        load->room = load->room == 0 ? 1024 : load->room * 2;
        load->events = memory_resize(load->events, load->room * sizeof *load->events);
    }
    return &load->events[load->count++];
}

__attribute__((format(printf, 4, 5))) static struct load_event *
load_tell(struct load_life *life, int64_t at_ms, int64_t late_ms, const char *format, ...)
{
    struct load *load = life->load;
    char more[256], at[INSTANT_TEXT_BYTES], json[512];
    struct load_event *event;
    va_list arguments;
    int bytes;

    va_start(arguments, format);
    (void)vsnprintf(more, sizeof more, format, arguments);
    va_end(arguments);
    instant_format(at_ms, at);
    life->told++;
    bytes = snprintf(json, sizeof json,
                     "{\"id\":\"%s-%u\",\"source\":\"load\",\"time\":\"%s\",\"ticket\":\"%s\",\"seq\":%u,%s}",
                     life->ticket, life->told, at, life->ticket, life->told, more);
    must(bytes > 0 && (size_t)bytes < sizeof json);
    event = load_add(load);
    *event = (struct load_event){.at_ms = at_ms + late_ms,
                                 .order = (unsigned)load->count,
                                 .partition = life->partition,
                                 .json = memory_copy(json, (size_t)bytes + 1)};
    memcpy(event->ticket, life->ticket, sizeof event->ticket);
    return event;
}

static int64_t
load_late(struct load_life *life, unsigned one_in, int64_t late_ms_max)
{
    return chance_one_in(life->chance, one_in) ? chance_within(life->chance, 100, late_ms_max) : 0;
}

static const char *
load_priority(struct load_life *life)
{
    static const char *const priorities[] = {"P1", "P2", "P3"};

    return CHANCE_PICK(life->chance, priorities);
}

static void
load_tell_waits(struct load_life *life, int64_t born_ms)
{
    int64_t pause_ms = born_ms + chance_within(life->chance, 300, 4000);

    load_tell(life, pause_ms, 0, "\"type\":\"ticket.updated\",\"status\":\"Waiting\",\"actor\":\"agent\"");
    load_tell(life, pause_ms + chance_within(life->chance, 500, 5000), load_late(life, 3, 2000),
              "\"type\":\"ticket.updated\",\"status\":\"Active\",\"actor\":\"requester\"");
}

/* Told again, broken, or deadly. */
static void
load_tell_trouble(struct load_life *life)
{
    struct load *load = life->load;
    unsigned told = (unsigned)(load->count - life->first);
    struct load_event again = load->events[life->first + chance_below(life->chance, told)];

    if (chance_one_in(life->chance, 8)) {
        again.json = memory_copy(again.json, strlen(again.json) + 1);
        again.at_ms += chance_within(life->chance, 0, 1000);
        again.poison = false;
        *load_add(load) = again;
        load->events[load->count - 1].order = (unsigned)load->count;
    }
    if (chance_one_in(life->chance, 60))
        load_tell(life, again.at_ms, 0, "\"type\":\"ticket.broken\"");
    if (chance_one_in(life->chance, 200))
        load_tell(life, again.at_ms, 0, "\"type\":\"ticket.updated\",\"group\":\"poison\"")->poison = true;
}

static void
load_live(struct load_life *life, int64_t born_ms, unsigned number)
{
    struct chance *chance = life->chance;
    int64_t end_ms = born_ms + chance_within(chance, 500, 14000), last_ms = end_ms;

    load_tell(
        life, born_ms, 0,
        "\"type\":\"ticket.created\",\"customer\":\"c%u\",\"service\":\"s%u\",\"category\":\"incident\","
        "\"priority\":\"%s\",\"status\":\"New\",\"actor\":\"requester\",\"requester\":\"u\",\"group\":"
        "\"desk\"",
        chance_below(chance, 5), chance_below(chance, 3), load_priority(life));
    if (!chance_one_in(chance, 5))
        load_tell(life, born_ms + chance_within(chance, 200, 5000), load_late(life, 4, 4000),
                  "\"type\":\"ticket.message\",\"actor\":\"agent\",\"by\":\"a\",\"public\":true");
    if (chance_one_in(chance, 3))
        load_tell_waits(life, born_ms);
    if (chance_one_in(chance, 5))
        load_tell(life, born_ms + chance_within(chance, 300, 6000), 0,
                  "\"type\":\"ticket.updated\",\"priority\":\"%s\",\"actor\":\"agent\"", load_priority(life));
    if (number > 10 && chance_one_in(chance, 25))
        load_tell(life, born_ms + chance_within(chance, 300, 6000), 0,
                  "\"type\":\"ticket.merged\",\"into\":\"K%u\",\"actor\":\"agent\"",
                  number - 1 - chance_below(chance, 8));
    load_tell_trouble(life);
    load_tell(life, end_ms, load_late(life, 5, 3000),
              "\"type\":\"ticket.updated\",\"status\":\"Solved\",\"actor\":\"agent\"");
    for (size_t i = life->first; i < life->load->count; i++)
        if (life->load->events[i].at_ms > last_ms)
            last_ms = life->load->events[i].at_ms;
    load_tell(life, last_ms + chance_within(chance, 100, 1000), 0,
              "\"type\":\"ticket.updated\",\"status\":\"Closed\",\"actor\":\"system\"");
}

/* Five years of tickets, all at once when the first process starts: some solved, some never. */
static void
load_backfill(struct load *load, struct chance *chance)
{
    for (unsigned number = 1; number <= LOAD_BACKFILL_TICKETS; number++) {
        struct load_life life = {.load = load, .chance = chance, .first = (unsigned)load->count};
        int64_t born_ms = SIM_START_MS - chance_within(chance, 1, INT64_C(5) * 365 * 86400000);

        (void)snprintf(life.ticket, sizeof life.ticket, "B%u", number);
        life.partition = partitioner_partition(PARTITIONER_MURMUR2, slice_of(life.ticket), BROKER_KEYED);
        load_tell(
            &life, born_ms, 0,
            "\"type\":\"ticket.created\",\"customer\":\"c1\",\"service\":\"s1\",\"category\":\"incident\","
            "\"priority\":\"P1\",\"status\":\"New\",\"actor\":\"requester\",\"requester\":\"u\",\"group\":"
            "\"desk\"");
        if (chance_one_in(chance, 2))
            load_tell(&life, born_ms + chance_within(chance, 1000, 9000), 0,
                      "\"type\":\"ticket.updated\",\"status\":\"Solved\",\"actor\":\"agent\"");
        for (size_t i = life.first; i < load->count; i++)
            load->events[i].at_ms = SIM_START_MS + 20;
    }
}

static int
load_compare(const void *left, const void *right)
{
    const struct load_event *a = left, *b = right;

    return a->at_ms != b->at_ms  ? (a->at_ms < b->at_ms ? -1 : 1)
           : a->order < b->order ? -1
                                 : a->order > b->order;
}

void
load_make(struct load *load, struct chance *chance, size_t events_min)
{
    for (unsigned number = 1; load->count < events_min; number++) {
        struct load_life life = {.load = load, .chance = chance, .first = (unsigned)load->count};

        (void)snprintf(life.ticket, sizeof life.ticket, "K%u", number);
        life.partition = partitioner_partition(PARTITIONER_MURMUR2, slice_of(life.ticket), BROKER_KEYED);
        load_live(&life, SIM_START_MS + 2000 + (int64_t)number * LOAD_LENGTH_MS * 5 / (int64_t)events_min,
                  number);
    }
    if (chance_one_in(chance, 4))
        load_backfill(load, chance);
    qsort(load->events, load->count, sizeof *load->events, load_compare);
}

/* ---- what the users say ---- */

static void
load_say(struct load *load, int64_t at_ms, unsigned number, unsigned told, const char *type, const char *more)
{
    char at[INSTANT_TEXT_BYTES], json[512];
    int bytes;

    if (load->feedback_count == load->feedback_room) {
        load->feedback_room = load->feedback_room == 0 ? 256 : load->feedback_room * 2;
        load->feedback = memory_resize(load->feedback, load->feedback_room * sizeof *load->feedback);
    }
    instant_format(at_ms, at);
    bytes = snprintf(
        json, sizeof json,
        "{\"id\":\"F%u-%u\",\"source\":\"survey\",\"type\":\"feedback.%s\",\"time\":\"%s\",\"ticket\":"
        "\"K%u\",\"feedback\":{\"id\":\"F%u\",\"survey\":\"post\",\"respondent\":\"r%u\"%s}}",
        number, told, type, at, 1 + number * 7 % 300, number, number, more);
    must(bytes > 0 && (size_t)bytes < sizeof json);
    load->feedback[load->feedback_count] = (struct load_feedback){
        at_ms, (unsigned)load->feedback_count, (int32_t)(number % 2), memory_copy(json, (size_t)bytes + 1)};
    load->feedback_count++;
}

static int
load_compare_feedback(const void *left, const void *right)
{
    const struct load_feedback *a = left, *b = right;

    return a->at_ms != b->at_ms  ? (a->at_ms < b->at_ms ? -1 : 1)
           : a->order < b->order ? -1
                                 : a->order > b->order;
}

void
load_make_feedback(struct load *load, struct chance *chance)
{
    for (unsigned number = 1; number <= LOAD_ANSWERS; number++) {
        int64_t at_ms = SIM_START_MS + chance_within(chance, 3000, 48000);
        char score[48];

        (void)snprintf(score, sizeof score, ",\"scale\":\"nps\",\"score\":%u", chance_below(chance, 11));
        load_say(load, at_ms, number, 1, "submitted", score);
        if (chance_one_in(chance, 8)) /* told twice */
            load_say(load, at_ms + chance_within(chance, 0, 900), number, 1, "submitted", score);
        at_ms += chance_within(chance, 1000, 6000);
        (void)snprintf(score, sizeof score, ",\"scale\":\"nps\",\"score\":%u", chance_below(chance, 11));
        if (chance_one_in(chance, 4))
            load_say(load, at_ms, number, 2, "submitted", score);
        if (chance_one_in(chance, 10))
            load_say(load, at_ms + chance_within(chance, 1000, 3000), number, 3, "withdrawn", "");
    }
    load->feedback_ids = LOAD_ANSWERS;
    qsort(load->feedback, load->feedback_count, sizeof *load->feedback, load_compare_feedback);
}

void
load_done(struct load *load)
{
    for (size_t i = 0; i < load->feedback_count; i++)
        memory_free(load->feedback[i].json);
    memory_free(load->feedback);
    for (size_t i = 0; i < load->count; i++)
        memory_free(load->events[i].json);
    memory_free(load->events);
}
