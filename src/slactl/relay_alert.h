#ifndef SLAD_SLACTL_RELAY_ALERT_H
#define SLAD_SLACTL_RELAY_ALERT_H

/* One record of slad.alerts as the relay sees it: what it needs of it by name, and the record itself. */
#include "base/buffer.h"
#include "wire/json.h"

/* FIELD(NAME, "name"): texts and numbers of an alert; an X-macro. Those of `arrival` come last. */
#define RELAY_ALERT_FIELDS(FIELD)                                                                            \
    FIELD(TICKET, "ticket")                                                                                  \
    FIELD(KIND, "kind")                                                                                      \
    FIELD(AGREEMENT, "agreement")                                                                            \
    FIELD(CLOCK, "clock")                                                                                    \
    FIELD(CYCLE, "cycle")                                                                                    \
    FIELD(STAGE, "stage")                                                                                    \
    FIELD(STATE, "state")                                                                                    \
    FIELD(N, "n")                                                                                            \
    FIELD(BY, "by")                                                                                          \
    FIELD(SEVERITY, "severity")                                                                              \
    FIELD(EFFECTIVE_AT, "effective_at")                                                                      \
    FIELD(DUE_AT, "due_at")                                                                                  \
    FIELD(TURN, "turn")                                                                                      \
    FIELD(RISK, "risk")                                                                                      \
    FIELD(CUSTOMER, "customer")                                                                              \
    FIELD(SERVICE, "service")                                                                                \
    FIELD(PRIORITY, "priority")                                                                              \
    FIELD(GROUP, "group")                                                                                    \
    FIELD(POLICY, "policy")                                                                                  \
    FIELD(REASON, "reason")                                                                                  \
    FIELD(SURVEY, "survey")                                                                                  \
    FIELD(FEEDBACK, "feedback")                                                                              \
    FIELD(SCALE, "scale")                                                                                    \
    FIELD(SCORE, "score")                                                                                    \
    FIELD(DETECTED_AT, "detected_at")                                                                        \
    FIELD(REVISION, "revision")

enum relay_field {
#define FIELD(NAME, name) RELAY_##NAME,
    RELAY_ALERT_FIELDS(FIELD)
#undef FIELD
        RELAY_FIELDS_COUNT
};

enum relay_state {
    RELAY_FIRING,
    RELAY_REPEATED,
    RELAY_ACKNOWLEDGED,
    RELAY_RESOLVED,
    RELAY_WITHDRAWN,
    RELAY_REMOVED, /* a tombstone: no fields, no value */
    RELAY_STATES_COUNT
};

struct relay_alert {
    struct slice key;   /* of the record */
    struct slice value; /* the record as it is, a JSON object; at NULL: a tombstone */
    enum relay_state state;
    struct slice fields[RELAY_FIELDS_COUNT]; /* at NULL: null or absent */
    int64_t effective_at_ms, detected_at_ms; /* of a tombstone: recorded_at_ms, both */
};

/* value at NULL: a tombstone. Of what is read, texts live until json reads again. 0, or -1 with what is wrong
 * and *ret_alert is untouched. */
int relay_alert_read(struct json *json, struct slice key, struct slice value, int64_t recorded_at_ms,
                     struct relay_alert *ret_alert, char detail[JSON_DETAIL_BYTES]);
/* resolved, withdrawn or removed. */
bool relay_alert_is_over(const struct relay_alert *alert);
const char *relay_alert_state_text(enum relay_state state);

/* One line for people, at most this many bytes, cut between characters; no control characters. */
void relay_alert_append_summary(const struct relay_alert *alert, size_t bytes_max, struct buffer *out);
/* Where the board shows its ticket; nothing for an alert without a ticket. board: a URL. */
void relay_alert_append_link(const struct relay_alert *alert, const char *board, struct buffer *out);

/* ---- filters ---- */

enum { RELAY_FILTER_WORDS_MAX = 64 };

/* Zeroes let everything through. Texts are borrowed. */
struct relay_filter {
    struct {
        enum relay_field field;
        const char *text;
    } words[RELAY_FILTER_WORDS_MAX];
    size_t words_count;
};

/* Words of one field are alternatives; "warn" is every warning's stage. false: too many. */
bool relay_filter_add(struct relay_filter *filter, enum relay_field field, const char *text);
bool relay_filter_matches(const struct relay_filter *filter, const struct relay_alert *alert);

#endif
