/*
 * What: reading slad.deadletters.
 *
 * Why the marks lie beside the letters: whoever may send an event again must see whether somebody else has
 * done so, from any machine; and mark and event must be written together or not at all.
 *
 * Always true: a letter is replayed if and only if a mark names it; marks count wherever in the topic they
 * lie.
 *
 * Not here: sending (deadletters.c).
 */
#include "slactl/letters.h"
#include "base/memory.h"
#include "shell/ends.h"
#include "shell/wallclock.h"
#include <stdlib.h>

enum { ANSWER_MS = 10000, POLL_MS = 100, SILENCE_MS_MAX = 20000, NUMBER_BYTES = 24 };

struct slice
letters_header(const struct letters_record *record, const char *name)
{
    const void *value;
    size_t bytes;

    if (record->headers == NULL ||
        rd_kafka_header_get_last(record->headers, name, &value, &bytes) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        value == NULL)
        return (struct slice){0};
    return (struct slice){value, bytes};
}

/* -1: no number. *ret_rest: what follows it. */
static int64_t
number_of(struct slice text, struct slice *ret_rest)
{
    char digits[NUMBER_BYTES] = "";
    char *end;
    long long number;

    if (text.at == NULL)
        return -1;
    memcpy(digits, text.at, text.bytes < NUMBER_BYTES ? text.bytes : NUMBER_BYTES - 1);
    number = strtoll(digits, &end, 10);
    if (end == digits || number < 0)
        return -1;
    if (ret_rest != NULL)
        *ret_rest = (struct slice){text.at + (end - digits), text.bytes - (size_t)(end - digits)};
    return number;
}

static struct letters_record
copy(const rd_kafka_message_t *message)
{
    struct letters_record record = {.partition = message->partition, .offset = message->offset};
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers;

    record.at_ms = rd_kafka_message_timestamp(message, &type);
    record.bytes = memory_allocate(message->key_len + message->len + 1);
    if (message->key != NULL) {
        memcpy(record.bytes, message->key, message->key_len);
        record.key = (struct slice){record.bytes, message->key_len};
    }
    if (message->payload != NULL) {
        memcpy(record.bytes + message->key_len, message->payload, message->len);
        record.value = (struct slice){record.bytes + message->key_len, message->len};
    }
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        record.headers = rd_kafka_headers_copy(headers);
    return record;
}

static void
record_done(struct letters_record *record)
{
    if (record->headers != NULL)
        rd_kafka_headers_destroy(record->headers);
    memory_free(record->bytes);
}

/* ---- keeping ---- */

static bool
is_wanted(const struct letters_filter *filter, const struct letter *letter)
{
    struct slice key = letter->record.key;

    return (filter->error == NULL || slice_is(letter->error, filter->error)) &&
           (filter->topic == NULL || slice_is(letter->topic, filter->topic)) &&
           (filter->key == NULL || (key.at != NULL && slice_is(key, filter->key))) &&
           letter->record.at_ms >= filter->since_ms && letter->record.at_ms < filter->until_ms;
}

static void
drop_oldest(struct letters *letters)
{
    size_t count = letters->count / 10 + 1;

    for (size_t i = 0; i < count; i++) {
        letters->bytes -= letters->list[i].record.value.bytes;
        record_done(&letters->list[i].record);
    }
    memmove(letters->list, letters->list + count, (letters->count - count) * sizeof *letters->list);
    letters->count -= count;
    letters->dropped += count;
}

static void
keep_mark(struct letters *letters, const struct letters_record *record)
{
    if (letters->marks_count == letters->marks_room) {
        letters->marks_room = letters->marks_room > 0 ? letters->marks_room * 2 : 64;
        letters->marks = memory_resize(letters->marks, letters->marks_room * sizeof *letters->marks);
    }
    letters->marks[letters->marks_count++] = *record;
}

/* Takes what the record owns. */
static void
keep(struct letters *letters, struct letters_record record)
{
    struct letter letter = {.record = record,
                            .error = letters_header(&record, "slad-error"),
                            .detail = letters_header(&record, "slad-detail"),
                            .topic = letters_header(&record, "slad-topic"),
                            .from_partition = number_of(letters_header(&record, "slad-partition"), NULL),
                            .from_offset = number_of(letters_header(&record, "slad-offset"), NULL)};

    if (letters_header(&record, LETTERS_MARK_HEADER).at != NULL) {
        keep_mark(letters, &record);
        return;
    }
    if (!is_wanted(letters->filter, &letter)) {
        record_done(&record);
        return;
    }
    while (letters->count > 0 &&
           (letters->count >= LETTERS_MAX || letters->bytes + record.value.bytes > LETTERS_BYTES_MAX))
        drop_oldest(letters);
    if (letters->count == letters->room) {
        letters->room = letters->room > 0 ? letters->room * 2 : 64;
        letters->list = memory_resize(letters->list, letters->room * sizeof *letters->list);
    }
    letters->list[letters->count++] = letter;
    letters->bytes += record.value.bytes;
}

static struct letter *
find(struct letters *letters, int64_t partition, int64_t offset)
{
    size_t from = 0, to = letters->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct letters_record *record = &letters->list[middle].record;

        if (record->partition < partition || (record->partition == partition && record->offset < offset))
            from = middle + 1;
        else
            to = middle;
    }
    return from < letters->count && letters->list[from].record.partition == partition &&
                   letters->list[from].record.offset == offset
               ? &letters->list[from]
               : NULL;
}

static int
compare(const void *a, const void *b)
{
    const struct letters_record *x = &((const struct letter *)a)->record,
                                *y = &((const struct letter *)b)->record;

    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void
apply_marks(struct letters *letters)
{
    if (letters->count > 0)
        qsort(letters->list, letters->count, sizeof *letters->list, compare);
    for (size_t i = 0; i < letters->marks_count; i++) {
        struct slice rest = {0};
        int64_t partition = number_of(letters_header(&letters->marks[i], LETTERS_MARK_HEADER), &rest);
        int64_t offset = rest.bytes > 1 ? number_of((struct slice){rest.at + 1, rest.bytes - 1}, NULL) : -1;
        struct letter *letter = find(letters, partition, offset);

        if (letter != NULL) {
            letter->replayed = true;
            letter->replayed_at_ms = letters->marks[i].at_ms;
            letter->replayed_by = letters_header(&letters->marks[i], LETTERS_MARK_BY_HEADER);
        }
    }
}

/* ---- the topic ---- */

/* Up to the ends: also behind transactions that are open now, for a mark may lie there. */
static rd_kafka_resp_err_t
read_messages(struct letters *letters, rd_kafka_t *consumer, struct ends *ends)
{
    int64_t heard_mono_ms = wallclock_mono_ms();

    while (!ends_reached(ends)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);
        rd_kafka_resp_err_t code;

        if (message == NULL) {
            if (wallclock_mono_ms() - heard_mono_ms > SILENCE_MS_MAX)
                return RD_KAFKA_RESP_ERR__TIMED_OUT;
            continue;
        }
        heard_mono_ms = wallclock_mono_ms();
        code = message->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && ends_holds(ends, message->partition, message->offset))
            keep(letters, copy(message));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ends_pass(ends, message->partition, message->offset + (code == RD_KAFKA_RESP_ERR_NO_ERROR));
        rd_kafka_message_destroy(message);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            return code;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
read_topic(struct letters *letters, rd_kafka_t *consumer, const char *topic, int32_t partitions_count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions_count);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct ends ends = {0};

    for (int32_t p = 0; p < partitions_count && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        int64_t low = 0, high = 0;

        code = rd_kafka_query_watermark_offsets(consumer, topic, p, &low, &high, ANSWER_MS);
        if (low < high) {
            rd_kafka_topic_partition_list_add(list, topic, p)->offset = low;
            ends_add(&ends, p, high);
        }
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && !ends_reached(&ends))
        code = rd_kafka_assign(consumer, list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = read_messages(letters, consumer, &ends);
    ends_done(&ends);
    rd_kafka_assign(consumer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

int
letters_read(struct letters *letters, const struct reach *reach, char error[KAFKA_ERROR_BYTES])
{
    char *group = kafka_name(reach->config->prefix, "-tickets");
    const char *topic = reach->topics.names[TOPIC_DEADLETTERS];
    const struct kafka_setting settings[] = {{"group.id", group}};
    const struct kafka_client description = {
        .kafka = &reach->kafka, .name = "deadletters", .settings = settings, .settings_count = 1};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__FAIL;
    int32_t partitions_count = 0;

    if (consumer != NULL) {
        error[0] = '\0';
        partitions_count = kafka_partitions_count(consumer, topic, ANSWER_MS, error);
        if (partitions_count > 0)
            code = read_topic(letters, consumer, topic, partitions_count);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && error[0] == '\0')
            snprintf(error, KAFKA_ERROR_BYTES, "%s",
                     partitions_count == 0 ? "no such topic" : rd_kafka_err2str(code));
        apply_marks(letters);
        rd_kafka_consumer_close(consumer);
        rd_kafka_destroy(consumer);
    }
    memory_free(group);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

void
letters_done(struct letters *letters)
{
    for (size_t i = 0; i < letters->count; i++)
        record_done(&letters->list[i].record);
    for (size_t i = 0; i < letters->marks_count; i++)
        record_done(&letters->marks[i]);
    memory_free(letters->list);
    memory_free(letters->marks);
}
