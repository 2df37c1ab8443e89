/*
 * slactl deadletters: what could not be taken, and sending it again once what stood in its way is mended.
 *
 * What: the letters as a table or NDJSON; with --replay their events, byte for byte with their own headers,
 * to the topic and partition that they came from.
 *
 * Why in a transaction: the event and the mark that it was sent go out together. A transactional id that all
 * operators share fences the slower of two who do it at once, and the list is read after that: so an event is
 * sent at most once, whoever dies where, unless --again asks for more.
 *
 * Always true: nothing is sent that was not shown before; without --yes or an answer on a terminal nothing is
 * sent.
 *
 * Not here: reading the topic (letters.c); why an event is refused (docs/errors.md).
 */
#include "slactl/deadletters.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/partitioner.h"
#include "slactl/letters.h"
#include "slactl/table.h"
#include "slactl/words.h"
#include "wire/dead_letter.h"
#include "wire/json.h"
#include "wire/print.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

static int deadletters_run(int argc, char **argv);

enum {
    ANSWER_MS = 10000,
    TRANSACTION_MS = 30000,
    TRANSACTION_LETTERS_MAX = 1000,
    CUT_BYTES = 1000000, /* a value that the daemon has cut has more (shell/publish.c) */
    MARK_BYTES = 48,
    INPUTS_COUNT = 3
};

/* Where letters come from, and go back to. */
static const enum topic inputs[INPUTS_COUNT] = {TOPIC_TICKETS, TOPIC_FEEDBACK, TOPIC_RELAY};

static const struct command_option deadletters_options[] = {
    {"replay", 'r', NULL, "shows what would be sent again, and sends it after a yes (on a terminal it asks)"},
    {"yes", 'y', NULL, "with --replay: sends without asking"},
    {"again", 'a', NULL, "with --replay: also those that were sent before"},
    {"error", 'e', "CODE", "only those refused with this code"},
    {"topic", 't', "TOPIC", "only those that came from this topic"},
    {"key", 'k', "KEY", "only those with this key (of tickets: the ticket)"},
    {"since", 's', "TIME", "only those written from this instant on"},
    {"until", 'u', "TIME", "only those written before this instant"},
    {"by", 'b', "NAME", "with --replay: who sends, for the mark (the user)"},
    {"json", 'j', NULL, "NDJSON, a letter a line, with its event and headers"},
    REACH_OPTIONS,
    REACH_TOPIC_OPTIONS,
    {0},
};

const struct command deadletters_command = {
    .name = "deadletters",
    .run = deadletters_run,
    .help = "what could not be taken, and sending it again",
    .usage = "[OPTION]... [PARTITION:OFFSET...]\n--replay [--yes] [OPTION]... [PARTITION:OFFSET...]",
    .operands = "",
    .text = "Lists the letters on slad.deadletters, all or those named. With --replay their events go again, "
            "byte for "
            "byte, to the topic they came from, each at most once unless --again is given. Mend first what "
            "they were "
            "refused for: the same event is refused in the same way.",
    .options = deadletters_options,
    .fails = "no such letter, nothing to send, or it could not be sent",
    .asks = true,
};

struct deadletters {
    struct reach reach;
    struct letters_filter filter;
    struct letters letters;
    const char *by;
    char *const *names; /* PARTITION:OFFSET */
    int names_count;
    bool replay, yes, again, json;
    struct letter **chosen;
    size_t chosen_count;
    rd_kafka_t *producer;
    struct kafka_client description; /* of the producer, which it outlives */
    int32_t partitions_count[INPUTS_COUNT];
};

/* ---- choosing ---- */

static void
name_of(const struct letter *letter, char ret_name[MARK_BYTES])
{
    snprintf(ret_name, MARK_BYTES, "%d:%lld", (int)letter->record.partition,
             (long long)letter->record.offset);
}

static bool
is_named(const struct deadletters *tool, const struct letter *letter)
{
    char name[MARK_BYTES];

    name_of(letter, name);
    for (int i = 0; i < tool->names_count; i++)
        if (strcmp(tool->names[i], name) == 0)
            return true;
    return tool->names_count == 0;
}

/* 0, or the exit status: it was said. */
static int
choose(struct deadletters *tool)
{
    tool->chosen = memory_allocate((tool->letters.count + 1) * sizeof(struct letter *));
    for (size_t i = 0; i < tool->letters.count; i++)
        if (is_named(tool, &tool->letters.list[i]))
            tool->chosen[tool->chosen_count++] = &tool->letters.list[i];
    if (tool->names_count > 0 && tool->chosen_count < (size_t)tool->names_count) {
        fprintf(stderr, "slactl deadletters: of the %d letters named %zu are there\n", tool->names_count,
                tool->chosen_count);
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

/* Which of the inputs it came from; -1: none. */
static int
input_of(const struct deadletters *tool, const struct letter *letter)
{
    for (int i = 0; i < INPUTS_COUNT; i++)
        if (slice_is(letter->topic, tool->reach.topics.names[inputs[i]]))
            return i;
    return -1;
}

/* NULL: it can be sent; else why not. */
static const char *
obstacle(const struct deadletters *tool, const struct letter *letter)
{
    if (letter->replayed && !tool->again)
        return "sent before";
    if (input_of(tool, letter) < 0)
        return "from another topic";
    return letter->record.value.bytes >= CUT_BYTES ? "too large: it was cut" : NULL;
}

/* ---- showing ---- */

static struct slice
key_of(const struct letter *letter)
{
    return letter->record.key.at != NULL ? letter->record.key : slice_of("-");
}

static void
cell(struct table *table, enum terminal_style style, struct slice text)
{
    table_cell(table, style, text.at != NULL ? text : slice_of("-"));
}

static void
add_row(struct table *table, const struct letter *letter, const char *last)
{
    char name[MARK_BYTES], place[64];
    struct buffer at = {0};

    name_of(letter, name);
    words_append_here(&at, letter->record.at_ms);
    snprintf(place, sizeof place, "/%lld/%lld", (long long)letter->from_partition,
             (long long)letter->from_offset);
    cell(table, TERMINAL_PLAIN, slice_of(name));
    cell(table, TERMINAL_PLAIN, buffer_slice(&at));
    cell(table, TERMINAL_YELLOW, letter->error);
    buffer_reset(&at);
    buffer_append_slice(&at, letter->topic);
    buffer_append_text(&at, place);
    cell(table, TERMINAL_PLAIN, buffer_slice(&at));
    cell(table, TERMINAL_PLAIN, key_of(letter));
    cell(table, TERMINAL_PLAIN, slice_of(last));
    cell(table, TERMINAL_PLAIN, letter->detail);
    buffer_free(&at);
}

static void
print_table(const struct deadletters *tool)
{
    struct terminal terminal = terminal_look(stdout);
    struct table table = {.terminal = &terminal};

    table_heads(&table, "LETTER", "WRITTEN", "ERROR", "FROM", "KEY",
                tool->replay ? "TO BE SENT" : "SENT AGAIN", "DETAIL", NULL);
    for (size_t i = 0; i < tool->chosen_count; i++) {
        const struct letter *letter = tool->chosen[i];
        const char *why = obstacle(tool, letter);

        add_row(&table, letter,
                tool->replay ? (why != NULL ? why : "yes") : (letter->replayed ? "yes" : "no"));
    }
    table_print(&table, stdout, 0);
    if (tool->chosen_count == 0)
        puts("no dead letters");
    table_done(&table);
}

/* UTF-8 as text, anything else in base64 under another name; null stays null. */
static void
print_bytes(struct buffer *line, const char *name, const char *name_base64, struct slice bytes)
{
    char *base64;

    if (bytes.at == NULL || json_is_utf8(bytes)) {
        print_key(line, name), print_text_or_null(line, bytes);
        return;
    }
    base64 = memory_allocate(bytes.bytes * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)bytes.at, (int)bytes.bytes);
    print_key(line, name_base64), print_text(line, slice_of(base64));
    memory_free(base64);
}

static void
print_headers(struct buffer *line, const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t bytes;

    print_key(line, "headers");
    buffer_append_byte(line, '[');
    for (size_t i = 0; headers != NULL && rd_kafka_header_get_all(headers, i, &name, &value, &bytes) ==
                                              RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (!dead_letter_is_header(slice_of(name))) {
            print_comma(line);
            buffer_append_byte(line, '{');
            print_bytes(line, "name", "name_base64", slice_of(name));
            print_bytes(line, "value", "value_base64", (struct slice){value, bytes});
            buffer_append_byte(line, '}');
        }
    buffer_append_byte(line, ']');
}

static void
print_line(const struct letter *letter)
{
    struct buffer line = {0};
    char name[MARK_BYTES];

    name_of(letter, name);
    buffer_append_byte(&line, '{');
    print_key(&line, "letter"), print_text(&line, slice_of(name));
    print_key(&line, "written_at"), print_instant(&line, letter->record.at_ms);
    print_bytes(&line, "error", "error_base64", letter->error);
    print_bytes(&line, "detail", "detail_base64", letter->detail);
    print_bytes(&line, "topic", "topic_base64", letter->topic);
    print_key(&line, "partition"), buffer_append_int64(&line, letter->from_partition);
    print_key(&line, "offset"), buffer_append_int64(&line, letter->from_offset);
    print_bytes(&line, "key", "key_base64", letter->record.key);
    print_bytes(&line, "value", "value_base64", letter->record.value);
    print_headers(&line, letter->record.headers);
    print_key(&line, "replayed"), print_bool(&line, letter->replayed);
    if (letter->replayed) {
        print_key(&line, "replayed_at"), print_instant(&line, letter->replayed_at_ms);
        print_bytes(&line, "replayed_by", "replayed_by_base64", letter->replayed_by);
    }
    buffer_append_text(&line, "}\n");
    (void)fwrite(line.at, 1, line.bytes, stdout);
    buffer_free(&line);
}

static void
show(const struct deadletters *tool)
{
    if (!tool->json)
        print_table(tool);
    for (size_t i = 0; tool->json && i < tool->chosen_count; i++)
        print_line(tool->chosen[i]);
    if (tool->letters.dropped > 0)
        fprintf(
            stderr,
            "slactl deadletters: the oldest %zu are left out: narrow it with --since, --error or --topic\n",
            tool->letters.dropped);
    (void)fflush(stdout);
}

/* ---- sending ---- */

static rd_kafka_headers_t *
own_headers(const rd_kafka_headers_t *headers)
{
    rd_kafka_headers_t *own = rd_kafka_headers_new(8);
    const char *name;
    const void *value;
    size_t bytes;

    for (size_t i = 0; headers != NULL && rd_kafka_header_get_all(headers, i, &name, &value, &bytes) ==
                                              RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (!dead_letter_is_header(slice_of(name)))
            (void)rd_kafka_header_add(own, name, -1, value, (ssize_t)bytes);
    return own;
}

/* Where it lay; one that lay in the wrong place, or has none any more, where its key belongs. */
static int32_t
partition_of(const struct deadletters *tool, const struct letter *letter, int input)
{
    enum partitioner partitioner = (enum partitioner)tool->reach.config->partitioner;
    int32_t count = tool->partitions_count[input];
    bool misplaced = slice_is(letter->error, error_code_text(ERROR_WRONG_KEY));

    if (letter->from_partition >= 0 && letter->from_partition < count &&
        !(misplaced && inputs[input] == TOPIC_TICKETS))
        return (int32_t)letter->from_partition;
    if (letter->record.key.at == NULL)
        return RD_KAFKA_PARTITION_UA;
    return partitioner_partition(partitioner != PARTITIONER_ANY ? partitioner : PARTITIONER_MURMUR2,
                                 key_of(letter), count);
}

static rd_kafka_resp_err_t
produce_one(struct deadletters *tool, const char *topic, int32_t partition, struct slice key,
            struct slice value, rd_kafka_headers_t *taken)
{
    rd_kafka_error_t *failed = rd_kafka_produceva(
        tool->producer,
        (rd_kafka_vu_t[]){
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK},
            {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.bytes}},
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.bytes}},
            {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = taken}},
        6);
    rd_kafka_resp_err_t code = failed != NULL ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;

    if (failed != NULL) {
        rd_kafka_headers_destroy(taken); /* not taken after all */
        rd_kafka_error_destroy(failed);
    }
    return code;
}

/* The event as it came, and the mark of it. */
static rd_kafka_resp_err_t
produce(struct deadletters *tool, const struct letter *letter)
{
    const struct letters_record *record = &letter->record;
    int input = input_of(tool, letter);
    rd_kafka_headers_t *mark;
    char name[MARK_BYTES];
    rd_kafka_resp_err_t code =
        produce_one(tool, tool->reach.topics.names[inputs[input]], partition_of(tool, letter, input),
                    record->key, record->value, own_headers(record->headers));

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    name_of(letter, name);
    mark = rd_kafka_headers_new(2);
    (void)rd_kafka_header_add(mark, LETTERS_MARK_HEADER, -1, name, -1);
    (void)rd_kafka_header_add(mark, LETTERS_MARK_BY_HEADER, -1, tool->by, -1);
    return produce_one(tool, tool->reach.topics.names[TOPIC_DEADLETTERS], record->partition, record->key,
                       (struct slice){0}, mark);
}

/* chosen[from .. to) in one transaction. 0, or -1 with the reason. */
static int
send_some(struct deadletters *tool, size_t from, size_t to, size_t *sent, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_t *problem = rd_kafka_begin_transaction(tool->producer);
    size_t count = 0;

    for (size_t i = from; i < to && problem == NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        if (obstacle(tool, tool->chosen[i]) == NULL) {
            code = produce(tool, tool->chosen[i]);
            count++;
        }
    if (problem == NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR)
        problem = rd_kafka_commit_transaction(tool->producer, TRANSACTION_MS);
    if (problem != NULL && rd_kafka_error_is_retriable(problem)) {
        rd_kafka_error_destroy(problem);
        problem = rd_kafka_commit_transaction(tool->producer, TRANSACTION_MS);
    }
    if (problem == NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *sent += count;
        return 0;
    }
    if (problem == NULL || rd_kafka_error_txn_requires_abort(problem)) {
        rd_kafka_error_t *aborted = rd_kafka_abort_transaction(tool->producer, TRANSACTION_MS);

        if (aborted != NULL)
            rd_kafka_error_destroy(aborted);
    }
    if (problem != NULL)
        kafka_error_text(problem, error);
    else
        snprintf(error, KAFKA_ERROR_BYTES, "%s", rd_kafka_err2str(code));
    return -1;
}

static int
send_all(struct deadletters *tool)
{
    char error[KAFKA_ERROR_BYTES] = "";
    size_t sent = 0;
    int result = 0;

    for (size_t from = 0; from < tool->chosen_count && result == 0; from += TRANSACTION_LETTERS_MAX) {
        size_t to = from + TRANSACTION_LETTERS_MAX;

        result = send_some(tool, from, to < tool->chosen_count ? to : tool->chosen_count, &sent, error);
    }
    printf("sent again: %zu\n", sent);
    (void)fflush(stdout);
    if (result != 0)
        fprintf(stderr,
                "slactl deadletters: not all could be sent: %s (list them again: what was sent is marked)\n",
                error);
    return result != 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* On a terminal a person is asked; elsewhere --yes is the answer. */
static bool
is_agreed(const struct deadletters *tool, size_t count)
{
    char answer[16] = "";

    if (tool->yes)
        return true;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        puts("nothing was sent: --yes sends them");
        return false;
    }
    printf("Send %zu again? [y/N] ", count);
    (void)fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    puts("nothing was sent");
    return false;
}

/* ---- the command ---- */

/* The producer that fences all others of this id; before the list is read. */
static int
open_producer(struct deadletters *tool, char error[KAFKA_ERROR_BYTES])
{
    char *id = kafka_name(tool->reach.config->prefix, "-deadletters");
    const struct kafka_setting settings[] = {{"transactional.id", id}, {"transaction.timeout.ms", "60000"}};
    rd_kafka_error_t *problem;
    int result = -1;

    tool->description = (struct kafka_client){
        .kafka = &tool->reach.kafka, .name = "deadletters", .settings = settings, .settings_count = 2};
    tool->producer = kafka_producer_new(&tool->description, error);
    if (tool->producer != NULL) {
        problem = rd_kafka_init_transactions(tool->producer, TRANSACTION_MS);
        if (problem != NULL)
            kafka_error_text(problem, error);
        result = problem != NULL ? -1 : 0;
    }
    for (int i = 0; result == 0 && i < INPUTS_COUNT; i++) {
        tool->partitions_count[i] =
            kafka_partitions_count(tool->producer, tool->reach.topics.names[inputs[i]], ANSWER_MS, error);
        result = tool->partitions_count[i] < 0 ? -1 : 0;
    }
    memory_free(id);
    return result;
}

static int
run(struct deadletters *tool)
{
    char error[KAFKA_ERROR_BYTES] = "";
    size_t count = 0;
    int status;

    if (reach_open(&tool->reach) != 0)
        return COMMAND_REFUSED;
    if ((tool->replay && open_producer(tool, error) != 0) ||
        letters_read(&tool->letters, &tool->reach, error) != 0) {
        fprintf(stderr, "slactl deadletters: %s at %s: %s\n", tool->reach.topics.names[TOPIC_DEADLETTERS],
                tool->reach.kafka.brokers, error);
        return COMMAND_NO_ANSWER;
    }
    status = choose(tool);
    if (status != COMMAND_DONE)
        return status;
    show(tool);
    for (size_t i = 0; tool->replay && i < tool->chosen_count; i++)
        count += obstacle(tool, tool->chosen[i]) == NULL;
    if (!tool->replay)
        return COMMAND_DONE;
    if (count == 0) {
        fputs("slactl deadletters: nothing to send\n", stderr);
        return COMMAND_FAILED;
    }
    return is_agreed(tool, count) ? send_all(tool) : COMMAND_DONE;
}

static int
read_instant(const char *name, int64_t *ret_ms)
{
    return instant_parse(slice_of(optarg), ret_ms) == 0
               ? -1
               : command_refuse(&deadletters_command, "--%s: expected an RFC 3339 instant", name);
}

/* -1: go on; else the exit status. */
static int
take_option(struct deadletters *tool, int option)
{
    switch (option) {
    case 'r':
        tool->replay = true;
        return -1;
    case 'y':
        tool->yes = true;
        return -1;
    case 'a':
        tool->again = true;
        return -1;
    case 'e':
        tool->filter.error = optarg;
        return -1;
    case 't':
        tool->filter.topic = optarg;
        return -1;
    case 'k':
        tool->filter.key = optarg;
        return -1;
    case 's':
        return read_instant("since", &tool->filter.since_ms);
    case 'u':
        return read_instant("until", &tool->filter.until_ms);
    case 'b':
        tool->by = optarg;
        return -1;
    case 'j':
        tool->json = true;
        return -1;
    case COMMAND_HELP:
        return COMMAND_DONE;
    default:
        return reach_take_option(&tool->reach, option, optarg) ? -1 : COMMAND_REFUSED;
    }
}

static int
deadletters_run(int argc, char **argv)
{
    const char *user = getenv("USER");
    struct deadletters tool = {.by = user != NULL ? user : "slactl", .filter = {.until_ms = INT64_MAX}};
    int status = -1, option;

    while (status < 0 && (option = command_next(&deadletters_command, argc, argv)) != COMMAND_END)
        status = take_option(&tool, option);
    if (status < 0 && !tool.replay && (tool.yes || tool.again))
        status = command_refuse(&deadletters_command, "--yes and --again go with --replay");
    if (status < 0) {
        tool.names = argv + optind;
        tool.names_count = argc - optind;
        tool.letters.filter = &tool.filter;
        status = run(&tool);
    }
    letters_done(&tool.letters);
    if (tool.producer != NULL)
        rd_kafka_destroy(tool.producer);
    memory_free(tool.chosen);
    reach_close(&tool.reach);
    return status;
}
