#ifndef SLAD_SLACTL_LETTERS_H
#define SLAD_SLACTL_LETTERS_H

/*
 * What lies on slad.deadletters: the letters, and the marks of those that were sent again.
 *
 * A mark is a record of that topic without a value and with the header slad-replayed, PARTITION:OFFSET of the
 * letter. It goes out in one transaction with the letter's event, so a letter without a mark was never sent
 * again.
 */
#include "base/slice.h"
#include "slactl/reach.h"

#define LETTERS_MARK_HEADER "slad-replayed"
#define LETTERS_MARK_BY_HEADER "slad-replayed-by"

enum { LETTERS_MAX = 100000, LETTERS_BYTES_MAX = 512 * 1024 * 1024 };

/* A record of the topic, by itself: librdkafka's own messages keep their client alive. */
struct letters_record {
    int32_t partition;
    int64_t offset, at_ms;
    struct slice key, value;     /* at NULL: null */
    rd_kafka_headers_t *headers; /* owned; NULL: none */
    char *bytes;                 /* owned: of key and value */
};

struct letter {
    struct letters_record record;
    struct slice error, detail, topic;   /* of its headers; at NULL: not there */
    int64_t from_partition, from_offset; /* -1: not there */
    bool replayed;
    int64_t replayed_at_ms;
    struct slice replayed_by;
};

/* Which ones are kept; what is NULL, or 0 and INT64_MAX, is not asked. */
struct letters_filter {
    const char *error, *topic, *key;
    int64_t since_ms, until_ms;
};

struct letters {
    const struct letters_filter *filter;
    struct letter *list; /* in order of partition and offset */
    size_t count, room, bytes;
    struct letters_record *marks;
    size_t marks_count, marks_room;
    size_t dropped; /* more than LETTERS_MAX or LETTERS_BYTES_MAX: the oldest went */
};

/* From the beginning of every partition to where it ends now, as read_committed. 0, or -1 with the reason. */
int letters_read(struct letters *letters, const struct reach *reach, char error[KAFKA_ERROR_BYTES]);
void letters_done(struct letters *letters);

/* The value of a header; at NULL: there is none, or it is null. Lives as long as the record. */
struct slice letters_header(const struct letters_record *record, const char *name);

#endif
