/*
 * A model of Redis, and the daemon's connection to it (shell/redis.h) played on it.
 *
 * What: names and bytes; GET, SET, UNLINK, SCAN and the one script; answers that come late or never; wipes,
 * yesterday's copy, spoiled values.
 *
 * Why so: snapshot.c is the daemon's own; here is what it talks to. The functions of shell/redis.h are
 * defined here, so the linker takes none of redis.c.
 *
 * Always true: a command is carried out when its time comes, also when its sender is gone; answers come in
 * order.
 *
 * Not here: what is right about a snapshot (witness.c).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include <string.h>

/* ---- values ---- */

static struct slice
store_key_of(const void *value)
{
    return ((const struct store_value *)value)->name;
}

void
store_init(struct store *store)
{
    *store = (struct store){.values = map_new(store_key_of, 1)};
}

static void
store_drop(struct map *values)
{
    size_t cursor = 0;
    struct store_value *value;

    if (values == NULL)
        return;
    while ((value = map_each(values, &cursor)) != NULL)
        memory_free(value);
    map_free(values);
}

void
store_done(struct store *store)
{
    for (size_t i = 0; i < store->orphans_count; i++)
        buffer_free(&store->orphans[i].words);
    store_drop(store->values);
    store_drop(store->copy);
}

static void
store_put(struct map *values, struct slice name, struct slice bytes)
{
    struct store_value *value = memory_allocate(sizeof *value + name.bytes + bytes.bytes);
    char *at = (char *)(value + 1);

    if (name.bytes > 0)
        memcpy(at, name.at, name.bytes);
    if (bytes.bytes > 0)
        memcpy(at + name.bytes, bytes.at, bytes.bytes);
    *value = (struct store_value){{at, name.bytes}, {at + name.bytes, bytes.bytes}};
    memory_free(map_put(values, value));
}

struct slice
store_get(const struct store *store, struct slice name)
{
    const struct store_value *value = map_get(store->values, name);

    return value != NULL ? value->bytes : (struct slice){NULL, 0};
}

void
store_set(struct store *store, struct slice name, struct slice bytes)
{
    const uint64_t words[] = {store->digest, hash_content(name.at, name.bytes),
                              hash_content(bytes.at, bytes.bytes)};

    store->digest = hash_content(words, sizeof words);
    store_put(store->values, name, bytes);
}

bool
store_remove(struct store *store, struct slice name)
{
    struct store_value *value = map_remove(store->values, name);

    memory_free(value);
    return value != NULL;
}

void
store_wipe(struct store *store)
{
    store_drop(store->values);
    store->values = map_new(store_key_of, 1);
}

static struct map *
store_copied(struct map *values)
{
    struct map *copy = map_new(store_key_of, 1);
    size_t cursor = 0;
    struct store_value *value;

    while ((value = map_each(values, &cursor)) != NULL)
        store_put(copy, value->name, value->bytes);
    return copy;
}

void
store_keep(struct store *store)
{
    store_drop(store->copy);
    store->copy = store_copied(store->values);
}

void
store_roll_back(struct store *store)
{
    if (store->copy == NULL)
        return;
    store_drop(store->values);
    store->values = store_copied(store->copy);
}

void
store_spoil(struct store *store, struct chance *chance)
{
    size_t count = map_count(store->values), cursor = 0, wanted;
    struct store_value *value;

    if (count == 0)
        return;
    wanted = chance_below(chance, (unsigned)count);
    while ((value = map_each(store->values, &cursor)) != NULL && wanted-- > 0)
        ;
    if (value == NULL)
        return;
    if (chance_one_in(chance, 3))
        store_remove(store, value->name);
    else if (value->bytes.bytes > 0)
        ((char *)(uintptr_t)value->bytes.at)[chance_below(chance, (unsigned)value->bytes.bytes)] ^=
            (char)(1 + chance_below(chance, 255));
}

/* ---- the connection ---- */

enum { STORE_COMMANDS_MAX = 64, STORE_WORDS_MAX = 80 };

struct store_command {
    struct buffer words; /* varint slices */
    int64_t applies_ms, answers_ms;
    bool applied, lost;
    void (*answered)(void *context, const redisReply *reply, const char *error);
    void *context;
    /* the answer */
    bool is_move, moved, is_scan;
    struct buffer found;
};

struct redis {
    struct process *process;
    struct store_command commands[STORE_COMMANDS_MAX];
    size_t count;
    bool sent_this_turn;
};

struct redis *
store_connect(struct process *process)
{
    struct redis *redis = memory_allocate_zeroed(1, sizeof *redis);

    redis->process = process;
    return redis;
}

static size_t
store_words(const struct store_command *command, struct slice words[STORE_WORDS_MAX])
{
    struct slice rest = buffer_slice(&command->words);
    size_t count = 0;

    while (rest.bytes > 0)
        must(count < STORE_WORDS_MAX && varint_get_slice(&rest, &words[count++]) == 0);
    return count;
}

static void
store_apply_move(struct sim *sim, struct store_command *command, const struct slice *words)
{
    struct store *store = &sim->store;
    struct slice found = store_get(store, words[3]);
    struct buffer was = {0};

    if (found.at == NULL)
        found = slice_of("");
    command->is_move = true;
    command->moved = snapshot_may_replace(words[5], found);
    if (!command->moved) {
        buffer_append_slice(&command->found, found);
        return;
    }
    buffer_append_slice(&was, found);
    if (found.bytes > 0)
        store_set(store, words[4], buffer_slice(&was));
    store_set(store, words[3], words[6]);
    witness_moved(&sim->witness, words[3], buffer_slice(&was), words[6]);
    buffer_free(&was);
}

static void
store_apply(struct sim *sim, struct store_command *command)
{
    struct store *store = &sim->store;
    struct slice words[STORE_WORDS_MAX];
    size_t count = store_words(command, words), cursor = 0;
    const struct store_value *value;

    command->applied = true;
    if (slice_is(words[0], "SET"))
        store_set(store, words[1], words[2]);
    else if (slice_is(words[0], "UNLINK"))
        for (size_t i = 1; i < count; i++)
            (void)store_remove(store, words[i]);
    else if (slice_is(words[0], "EVAL"))
        store_apply_move(sim, command, words);
    else if (slice_is(words[0], "SCAN")) {
        command->is_scan = true;
        while ((value = map_each(store->values, &cursor)) != NULL)
            buffer_append_varint_slice(&command->found, value->name);
    } else
        sim_fail(sim, "Redis is asked for %.*s", (int)words[0].bytes, words[0].at);
}

static redisReply
store_text(struct slice text)
{
    return (redisReply){.type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)text.at, .len = text.bytes};
}

static void
store_answer_scan(struct store_command *command)
{
    redisReply names[512], *at[512], zero = store_text(slice_of("0")), list = {.type = REDIS_REPLY_ARRAY};
    redisReply *both[] = {&zero, &list}, reply = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = both};
    struct slice rest = buffer_slice(&command->found), name;

    list.element = at;
    while (rest.bytes > 0 && list.elements < 512) {
        must(varint_get_slice(&rest, &name) == 0);
        names[list.elements] = store_text(name);
        at[list.elements] = &names[list.elements];
        list.elements++;
    }
    command->answered(command->context, &reply, NULL);
}

static void
store_answer(struct store_command *command)
{
    redisReply number = {.type = REDIS_REPLY_INTEGER, .integer = command->moved};
    redisReply found = store_text(buffer_slice(&command->found));
    redisReply *both[] = {&number, &found}, reply = {.type = REDIS_REPLY_STATUS};

    if (command->lost) {
        command->answered(command->context, NULL, "no answer");
        return;
    }
    if (command->is_scan) {
        store_answer_scan(command);
        return;
    }
    if (command->is_move)
        reply = (redisReply){.type = REDIS_REPLY_ARRAY, .elements = command->moved ? 1 : 2, .element = both};
    command->answered(command->context, &reply, NULL);
}

static void
store_command_done(struct store_command *command)
{
    buffer_free(&command->words);
    buffer_free(&command->found);
}

/* What was sent may arrive when its sender is long gone. */
void
store_disconnect(struct redis *redis)
{
    struct sim *sim = redis->process->sim;
    bool reach = chance_one_in(&sim->faults, 2);

    for (size_t i = 0; i < redis->count; i++) {
        struct store_command *command = &redis->commands[i];

        command->answered(command->context, NULL, "gone");
        if (!command->applied && reach && sim->store.orphans_count < STORE_ORPHANS_MAX) {
            sim->store.orphans[sim->store.orphans_count++] =
                (struct store_orphan){command->applies_ms, command->words};
            command->words = (struct buffer){0};
        }
        store_command_done(command);
    }
    memory_free(redis);
}

void
store_deliver(struct sim *sim)
{
    struct store *store = &sim->store;
    size_t kept = 0;

    for (size_t i = 0; i < store->orphans_count; i++) {
        struct store_command command = {.words = store->orphans[i].words};

        if (sim->now_ms < store->orphans[i].applies_ms) {
            store->orphans[kept++] = store->orphans[i];
            continue;
        }
        if (sim->now_ms >= store->down_until_ms)
            store_apply(sim, &command);
        store_command_done(&command);
    }
    store->orphans_count = kept;
}

/* snapshot.c's clock: a look at it takes a microsecond. */
int64_t sim_mono_us(void);

int64_t
sim_mono_us(void)
{
    static int64_t looked;

    return ++looked;
}

/* ---- shell/redis.h ---- */

bool
redis_is_up(const struct redis *redis)
{
    return !redis->process->dying && redis->process->sim->now_ms >= redis->process->sim->store.down_until_ms;
}

const char *
redis_error(const struct redis *redis)
{
    (void)redis;
    return "down";
}

int64_t
redis_wait_ms(const struct redis *redis, int64_t now_mono_ms)
{
    (void)redis;
    (void)now_mono_ms;
    return 0;
}

/* So that one bucket is written a turn, whatever the machine does meanwhile. */
size_t
redis_pending_bytes(const struct redis *redis)
{
    return redis->sent_this_turn ? SIZE_MAX : 0;
}

bool
redis_send(struct redis *redis, const struct redis_command *sent, int64_t now_mono_ms)
{
    struct sim *sim = redis->process->sim;
    struct store_command *command = &redis->commands[redis->count];

    (void)now_mono_ms;
    if (!redis_is_up(redis) || redis->count == STORE_COMMANDS_MAX)
        return false;
    *command = (struct store_command){.answered = sent->answered, .context = sent->context};
    for (size_t i = 0; i < sent->words_count; i++)
        buffer_append_varint_slice(&command->words, sent->words[i]);
    command->applies_ms = sim->now_ms + chance_within(&sim->faults, 0, 30);
    if (!sim->calm && slice_is(sent->words[0], "EVAL") && chance_one_in(&sim->faults, 5))
        command->applies_ms += chance_within(&sim->faults, 200, 8000);
    command->answers_ms = command->applies_ms + chance_within(&sim->faults, 0, 30);
    if (!sim->calm && chance_one_in(&sim->faults, 30))
        command->answers_ms += chance_within(&sim->faults, 100, 3000);
    command->lost = !sim->calm && chance_one_in(&sim->faults, 40);
    redis->count++;
    redis->sent_this_turn = true;
    if (slice_is(sent->words[0], "SET"))
        process_dies(redis->process, CRASH_SNAPSHOT_BUCKET_OUT);
    else if (slice_is(sent->words[0], "EVAL"))
        process_dies(redis->process, CRASH_SNAPSHOT_MOVE_OUT);
    else if (slice_is(sent->words[0], "UNLINK"))
        process_dies(redis->process, CRASH_SNAPSHOT_GARBAGE);
    else
        process_dies(redis->process, CRASH_SNAPSHOT_SWEEP);
    return true;
}

void
redis_turn(struct redis *redis, int64_t now_mono_ms)
{
    struct process *process = redis->process;
    struct sim *sim = process->sim;

    (void)now_mono_ms;
    redis->sent_this_turn = false;
    while (redis->count > 0 && !process->dying) {
        struct store_command command = redis->commands[0];
        bool is_down = sim->now_ms < sim->store.down_until_ms;

        if (!command.applied && !is_down && command.applies_ms <= sim->now_ms) {
            store_apply(sim, &command);
            redis->commands[0] = command;
            if (command.is_move && command.moved && process_dies(process, CRASH_SNAPSHOT_MOVE_TAKEN))
                return;
            if (!command.is_move && process_dies(process, CRASH_SNAPSHOT_BUCKET_TAKEN))
                return;
        }
        if (is_down)
            redis->commands[0].lost = command.lost = true;
        if (sim->now_ms < command.answers_ms)
            return;
        memmove(redis->commands, redis->commands + 1, --redis->count * sizeof *redis->commands);
        store_answer(&command);
        if (command.is_move && !command.lost)
            process_dies(process, command.moved ? CRASH_SNAPSHOT_MOVED : CRASH_SNAPSHOT_REFUSED);
        if (command.is_move && command.moved)
            sim->ground->snapshots++;
        store_command_done(&command);
    }
}

int
redis_password(const struct config *config, char ret_password[REDIS_PASSWORD_BYTES],
               char error[REDIS_ERROR_BYTES])
{
    (void)config;
    (void)error;
    ret_password[0] = '\0';
    return 0;
}
