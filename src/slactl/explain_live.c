/*
 * What: an explanation from the API, told to the same page as one from a log.
 *
 * Why so: the same words whether the question is asked of a running slad tonight or of its log next year.
 *
 * Always true: the figures are the server's; only local times come from this machine's zone files, and the
 * name of the server's zone data stands above them.
 *
 * Not here: words (explain_print), what is true (core/explain).
 */
#include "slactl/explain_live.h"
#include "base/arena.h"
#include "base/instant.h"
#include "shell/policy_files.h"
#include "slactl/json_fields.h"
#include "slactl/json_pieces.h"
#include "slactl/terminal.h"
#include "wire/print.h"

enum { ARENA_BYTES = 16384, ZONES_MAX = 64 };

struct live {
    struct api *api;
    struct explain_page *page;
    const char *zoneinfo_dir;
    struct arena *arena; /* texts that the page keeps */
    struct zone *zones[ZONES_MAX];
    struct slice zone_names[ZONES_MAX];
    size_t zones_count;
};

/* ---- words back to codes ---- */

#define FIND(COUNT, text_of, TYPE, word, ret)                                                                \
    do {                                                                                                     \
        for (int code = 0; code < (COUNT); code++)                                                           \
            if (slice_is((word), text_of((TYPE)code)))                                                       \
                *(ret) = (TYPE)code;                                                                         \
    } while (0)

static uint8_t
parties_of(const struct cJSON *list)
{
    uint8_t parties = 0;

    if (list == NULL || !json_is_list(list))
        return 0;
    for (const struct cJSON *item = list->child; item != NULL; item = item->next)
        for (int party = 0; json_is_text(item) && party < PARTIES_COUNT; party++)
            if (slice_is(json_text(item), party_text((enum party)party)))
                parties |= PARTY_BIT(party);
    return parties;
}

static struct slice
keep(struct live *live, struct slice text)
{
    return text.at != NULL ? arena_copy_slice(live->arena, text) : text;
}

static struct slice
field(struct live *live, const struct cJSON *object, const char *key)
{
    return keep(live, json_fields_text(object, key));
}

static int64_t
length(struct live *live, const struct cJSON *object, const char *key)
{
    int64_t value = 0;

    (void)json_fields_integer(live->api->json, object, key, &value);
    return value;
}

/* ---- pieces to structs ---- */

static struct explain_cause
read_cause(struct live *live, const struct cJSON *object)
{
    struct slice kind = json_fields_text(object, "kind");
    struct explain_cause cause = {
        .kind = slice_is(kind, "merge_in") ? EXPLAIN_MERGE_IN
                : slice_is(kind, "policy") ? EXPLAIN_VERSION
                                           : EXPLAIN_EVENT,
        .at_ms = json_fields_instant(object, "at"),
        .event = field(live, object, "event"),
        .source = field(live, object, "source"),
        .other = field(live, object, "ticket"),
        .policy = field(live, object, "policy"),
        .status = field(live, object, "status"),
        .group = field(live, object, "group"),
        .ball = parties_of(json_fields_find(object, "waits_for")),
        .moved_start = json_fields_true(object, "moved_start"),
    };

    FIND(EVENT_TYPES_COUNT, event_type_text, enum event_type, json_fields_text(object, "type"), &cause.type);
    if (cause.kind == EXPLAIN_EVENT && cause.event.at == NULL) /* a daemon keeps no ids */
        cause.event = slice_of(event_type_text(cause.type));
    return cause;
}

static void
read_stretch(struct live *live, const struct cJSON *object)
{
    static const char *const whys[] = {"counted", "closed", "paused", "over"};
    struct explain_stretch stretch = {
        .projected = json_fields_true(object, "projected"),
        .from_ms = json_fields_instant(object, "from"),
        .to_ms = json_fields_instant(object, "to"),
        .counted_ms = length(live, object, "counted_ms"),
        .in_hours_ms = length(live, object, "in_hours_ms"),
        .elapsed_ms = length(live, object, "elapsed_ms"),
        .begins_at_edge = json_fields_true(object, "begins_at_edge"),
        .ends_at_edge = json_fields_true(object, "ends_at_edge"),
        .calendar = field(live, object, "calendar"),
        .policy = field(live, object, "policy"),
        .target_ms = length(live, object, "target_ms"),
    };

    for (int why = 0; why < 4; why++)
        if (slice_is(json_fields_text(object, "why"), whys[why]))
            stretch.why = (enum explain_why)why;
    FIND(PARTIES_COUNT, party_text, enum party, json_fields_text(object, "party"), &stretch.party);
    stretch.cause = read_cause(live, json_fields_find(object, "cause"));
    explain_page_stretch(live->page, &stretch);
}

static const struct zone *
find_zone(struct live *live, struct slice name)
{
    struct policy_zone_reader reader = policy_files_zone_reader(live->zoneinfo_dir);
    struct buffer bytes = {0};
    const char *error;

    for (size_t i = 0; i < live->zones_count; i++)
        if (slice_equal(live->zone_names[i], name))
            return live->zones[i];
    if (live->zones_count == ZONES_MAX || name.at == NULL || memchr(name.at, '.', name.bytes) != NULL ||
        reader.read(reader.context, name, &bytes) != 0) {
        buffer_free(&bytes);
        return NULL;
    }
    live->zone_names[live->zones_count] = keep(live, name);
    live->zones[live->zones_count] = zone_new(buffer_slice(&bytes).at, bytes.bytes, &error);
    buffer_free(&bytes);
    return live->zones[live->zones_count++];
}

/* "Europe/Berlin, zone data 1f3a9c07"; without its file here times are UTC. */
static void
read_zone(struct live *live, const struct cJSON *object, struct explain_clock *clock)
{
    struct slice name = json_fields_text(object, "time_zone"), data = json_fields_text(object, "zone_data");
    struct buffer text = {0};

    clock->zone = find_zone(live, name);
    if (clock->zone != NULL) {
        terminal_append(&text, name);
        if (data.at != NULL) {
            buffer_append_text(&text, ", zone data ");
            terminal_append(&text, data);
        }
    } else {
        buffer_append_text(&text, "UTC");
    }
    clock->zone_name = keep(live, buffer_slice(&text));
    buffer_free(&text);
}

static void
read_figures(struct live *live, const struct cJSON *object, struct clock_figures *figures)
{
    const struct cJSON *flags = json_fields_find(object, "flags");

    figures->started_at_ms = json_fields_instant(object, "started_at");
    figures->due_at_ms = json_fields_instant(object, "due_at");
    figures->breached_at_ms = json_fields_instant(object, "breached_at");
    figures->stopped_at_ms = json_fields_instant(object, "stopped_at");
    figures->target_ms = length(live, object, "target_ms");
    figures->elapsed_ms = length(live, object, "elapsed_ms");
    FIND(CLOCK_UNANSWERED + 1, clock_state_text, enum clock_state, json_fields_text(object, "state"),
         &figures->state);
    if (flags != NULL && json_is_list(flags))
        for (const struct cJSON *flag = flags->child; flag != NULL; flag = flag->next)
            for (unsigned bit = 0; json_is_text(flag) && bit < CLOCK_FLAGS_COUNT; bit++)
                if (slice_is(json_text(flag), clock_flag_text((enum clock_flag)(1U << bit))))
                    figures->flags = (uint16_t)(figures->flags | 1U << bit);
}

static void
read_clock(struct live *live, const struct cJSON *object)
{
    struct explain_clock clock = {
        .name = {.ticket = field(live, object, "ticket"),
                 .agreement = field(live, object, "agreement"),
                 .clock = field(live, object, "clock"),
                 .cycle = (uint32_t)length(live, object, "cycle")},
        .counts = parties_of(json_fields_find(object, "counts")),
        .calendar = field(live, object, "calendar"),
        .policy = field(live, object, "policy"),
        .days_policy = field(live, object, "days_policy"),
    };
    const struct cJSON *end = json_fields_find(object, "ended_by");

    FIND(KIND_UC + 1, clock_kind_text, enum clock_kind, json_fields_text(object, "kind"), &clock.name.kind);
    FIND(MEASURES_COUNT, measure_text, enum measure, json_fields_text(object, "measure"), &clock.measure);
    read_figures(live, object, &clock.figures);
    read_zone(live, object, &clock);
    clock.has_end = end != NULL && json_is_object(end);
    if (clock.has_end)
        clock.end = read_cause(live, end);
    explain_page_clock(live->page, &clock);
}

/* ---- the clocks, one after another ---- */

static bool
is_wanted(const struct explain_page *page, struct slice kind, struct slice clock)
{
    struct slice only = page->only;

    return only.at == NULL ||
           (only.bytes == kind.bytes + 1 + clock.bytes && memcmp(only.at, kind.at, kind.bytes) == 0 &&
            only.at[kind.bytes] == '/' && memcmp(only.at + kind.bytes + 1, clock.at, clock.bytes) == 0);
}

/* {"record":"stretch","ticket":... */
static void
begin_line(struct live *live, struct buffer *line, const char *record, const struct cJSON *clock)
{
    buffer_reset(line);
    buffer_append_byte(line, '{');
    print_key(line, "record"), print_text(line, slice_of(record));
    print_key(line, "ticket"), print_text(line, json_fields_text(clock, "ticket"));
    print_key(line, "kind"), print_text(line, json_fields_text(clock, "kind"));
    print_key(line, "clock"), print_text(line, json_fields_text(clock, "clock"));
    print_key(line, "cycle"), buffer_append_int64(line, length(live, clock, "cycle"));
}

/* The lines of slactl explain --json. False: it cannot be read. */
static bool
print_lines(struct live *live, struct slice piece)
{
    struct slice clock = json_pieces_member(piece, "clock"),
                 stretches = json_pieces_member(piece, "stretches"), risk = json_pieces_member(piece, "risk");
    const struct cJSON *object = clock.at != NULL ? api_read(live->api, clock) : NULL;
    struct buffer line = {0};
    struct json_pieces pieces;
    struct slice key, stretch;
    int64_t count = 0;

    if (object == NULL || !json_pieces_begin(&pieces, stretches))
        return false;
    if (!is_wanted(live->page, json_fields_text(object, "kind"), json_fields_text(object, "clock")))
        return true;
    live->page->told++;
    buffer_append_text(&line, "{\"record\":\"clock\",");
    buffer_append(&line, clock.at + 1, clock.bytes - 1);
    (void)api_print_element(live->page->out, buffer_slice(&line));
    if (risk.bytes > 2 && risk.at[0] == '{') {
        begin_line(live, &line, "foresight", object);
        buffer_append_byte(&line, ',');
        buffer_append(&line, risk.at + 1, risk.bytes - 1);
        (void)api_print_element(live->page->out, buffer_slice(&line));
    }
    for (; json_pieces_next(&pieces, &key, &stretch) == 1 && stretch.bytes > 1; count++) {
        begin_line(live, &line, "stretch", object);
        buffer_append_byte(&line, ',');
        buffer_append(&line, stretch.at + 1, stretch.bytes - 1);
        (void)api_print_element(live->page->out, buffer_slice(&line));
    }
    begin_line(live, &line, "sum", object);
    print_key(&line, "stretches"), buffer_append_int64(&line, count);
    print_key(&line, "counted_ms"), buffer_append_slice(&line, json_pieces_member(piece, "counted_ms"));
    print_key(&line, "projected_ms"), buffer_append_slice(&line, json_pieces_member(piece, "projected_ms"));
    buffer_append_byte(&line, '}');
    (void)api_print_element(live->page->out, buffer_slice(&line));
    buffer_free(&line);
    return true;
}

static bool
tell_clock(struct live *live, struct slice piece)
{
    struct slice clock = json_pieces_member(piece, "clock"),
                 stretches = json_pieces_member(piece, "stretches"), risk = json_pieces_member(piece, "risk");
    const struct cJSON *object = clock.at != NULL ? api_read(live->api, clock) : NULL;
    struct json_pieces pieces;
    struct slice key, stretch;

    if (object == NULL || !json_pieces_begin(&pieces, stretches))
        return false;
    read_clock(live, object);
    if (risk.bytes > 0 && risk.at[0] == '{')
        buffer_append_slice(&live->page->risk, risk);
    while (json_pieces_next(&pieces, &key, &stretch) == 1) {
        object = api_read(live->api, stretch);
        if (object == NULL)
            return false;
        read_stretch(live, object);
    }
    explain_page_end(live->page);
    return true;
}

static int
tell(struct live *live, struct slice answer)
{
    struct slice at = json_pieces_member(answer, "at");
    struct json_pieces pieces;
    struct slice key, piece;
    bool good = json_pieces_begin(&pieces, json_pieces_member(answer, "clocks"));

    if (at.bytes > 2)
        (void)instant_parse((struct slice){at.at + 1, at.bytes - 2}, &live->page->t_ms);
    while (good && json_pieces_next(&pieces, &key, &piece) == 1)
        good = live->page->json ? print_lines(live, piece) : tell_clock(live, piece);
    if (!good)
        fputs("slactl explain: the answer is not the explanation it should be\n", stderr);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

int
explain_live(struct api *api, struct explain_page *page, const char *ticket, const char *zoneinfo_dir)
{
    struct live live = {.api = api, .page = page, .zoneinfo_dir = zoneinfo_dir};
    struct http_response response;
    struct buffer path = {0};
    int status;

    buffer_append_text(&path, "/api/v1/tickets/");
    api_append_segment(&path, ticket);
    buffer_append(&path, "/explain", sizeof "/explain");
    status = api_get(api, path.at, &response);
    buffer_free(&path);
    if (status != COMMAND_DONE)
        return status;
    live.arena = arena_new(ARENA_BYTES);
    status = tell(&live, buffer_slice(&response.body));
    for (size_t i = 0; i < live.zones_count; i++)
        zone_free(live.zones[i]);
    arena_free(live.arena);
    http_response_done(&response);
    return status;
}
