/*
 * slactl calendar: business time asked line by line, for programs and for people who check a due time.
 *
 * Why a filter: a spreadsheet of a thousand questions is one pipe. Always true: one answer a request, in
 * order; a bad request gets an error with its id and harms no other. Not here: the arithmetic
 * (core/calendar).
 */
#include "slactl/calendar.h"
#include "base/instant.h"
#include "shell/policy_files.h"
#include "slactl/lines.h"
#include "wire/json.h"
#include "wire/print.h"
#include <errno.h>
#include <stdio.h>

struct request {
    struct slice calendar, op, start, end;
    const struct cJSON *id;
    bool has_ms;
    int64_t ms;
    const char *error;
};

static void
read_field(struct json *json, const struct cJSON *field, struct request *request)
{
    struct slice key = slice_of(field->string);
    struct slice *text = slice_is(key, "calendar") ? &request->calendar
                         : slice_is(key, "op")     ? &request->op
                         : slice_is(key, "start")  ? &request->start
                         : slice_is(key, "end")    ? &request->end
                                                   : NULL;

    if (slice_is(key, "id")) {
        request->id = field;
    } else if (slice_is(key, "ms")) {
        request->has_ms = json_is_number(field) && json_integer(json, field, &request->ms) == 0;
        if (!request->has_ms)
            request->error = "ms: expected a whole number of milliseconds";
    } else if (text != NULL && json_is_text(field)) {
        *text = slice_of(field->valuestring);
    } else if (text != NULL) {
        request->error = "calendar, op, start and end are texts";
    } else {
        request->error = "unknown key; there are id, calendar, op, start, end, ms";
    }
}

static const char *
answer_add(const struct calendar *calendar, const struct request *request, int64_t start_ms,
           struct buffer *out)
{
    int64_t at_ms;

    if (!request->has_ms)
        return "add needs start and ms";
    if (request->end.at != NULL)
        return "end: add takes start and ms only";
    if (request->ms < 0)
        return "ms: below 0";
    at_ms = calendar_add_ms(calendar, start_ms, request->ms);
    if (at_ms == CALENDAR_NEVER || at_ms > INSTANT_MAX_MS)
        return "the calendar never counts that much after start";
    print_key(out, "at");
    print_instant(out, at_ms);
    return NULL;
}

static const char *
answer_diff(const struct calendar *calendar, const struct request *request, int64_t start_ms,
            struct buffer *out)
{
    int64_t end_ms;

    if (request->end.at == NULL)
        return "diff needs start and end";
    if (request->has_ms)
        return "ms: diff takes start and end only";
    if (instant_parse(request->end, &end_ms) != 0)
        return "end: expected an RFC 3339 instant";
    if (end_ms < start_ms)
        return "end is before start";
    print_key(out, "ms");
    buffer_append_int64(out, calendar_counted_ms(calendar, start_ms, end_ms));
    return NULL;
}

/* The answer's fields, or why there is none. */
static const char *
answer(const struct policy_set *set, const struct request *request, struct buffer *out)
{
    size_t version = policy_set_count(set) - 1;
    int calendar = policy_calendar_find(policy_set_version(set, version), request->calendar);
    const struct calendar *compiled;
    int64_t start_ms;

    if (request->error != NULL)
        return request->error;
    if (request->calendar.at == NULL)
        return "calendar is missing";
    if (calendar < 0)
        return "calendar: the policy has none of this name";
    if (request->start.at == NULL || instant_parse(request->start, &start_ms) != 0)
        return "start: expected an RFC 3339 instant";
    compiled = policy_set_calendar(set, version, calendar, version);
    if (slice_is(request->op, "add"))
        return answer_add(compiled, request, start_ms, out);
    if (slice_is(request->op, "diff"))
        return answer_diff(compiled, request, start_ms, out);
    return "op: expected add or diff";
}

static void
print_id(struct json *json, const struct cJSON *id, struct buffer *out)
{
    print_key(out, "id");
    if (id != NULL && json_is_text(id))
        print_text(out, slice_of(id->valuestring));
    else if (id != NULL && json_is_number(id))
        buffer_append_slice(out, json_number(json, id));
    else
        buffer_append_text(out, "null");
}

static void
take_line(const struct policy_set *set, struct json *json, struct slice line, struct buffer *out)
{
    char detail[JSON_DETAIL_BYTES];
    struct request request = {0};
    const struct cJSON *object;
    const char *error = detail;
    size_t from;

    buffer_reset(out);
    buffer_append_byte(out, '{');
    if (json_read(json, line, &object, detail) == ERROR_NONE) {
        for (const struct cJSON *field = object->child; field != NULL; field = field->next)
            read_field(json, field, &request);
        print_id(json, request.id, out);
        from = out->bytes;
        error = answer(set, &request, out);
        if (error != NULL)
            out->bytes = from;
    } else {
        print_id(json, NULL, out);
    }
    if (error != NULL) {
        print_key(out, "error");
        print_text(out, slice_of(error));
    }
    buffer_append_text(out, "}\n");
}

static bool
is_blank(struct slice line)
{
    size_t i = 0;

    while (i < line.bytes && (line.at[i] == ' ' || line.at[i] == '\t'))
        i++;
    return i == line.bytes;
}

static int
answer_file(const struct policy_set *set, const char *path)
{
    struct lines *lines = lines_open(path, JSON_BYTES_MAX);
    struct json *json = json_new();
    struct buffer out = {0};
    struct slice line;
    int more = -1;

    while (lines != NULL && (more = lines_next(lines, &line)) == 1) {
        if (is_blank(line))
            continue;
        take_line(set, json, line, &out);
        if (fwrite(out.at, 1, out.bytes, stdout) != out.bytes) {
            more = -1;
            break;
        }
    }
    if (more < 0)
        fprintf(stderr, "slactl calendar: %s: %s\n", path != NULL ? path : "standard input", strerror(errno));
    lines_close(lines);
    json_free(json);
    buffer_free(&out);
    return more;
}

static int calendar_run(int argc, char **argv);

static const struct command_option calendar_options[] = {
    {"policy", 'p', "POLICY", "a file or a directory; needed"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    {0},
};

const struct command calendar_command = {
    .name = "calendar",
    .run = calendar_run,
    .help = "adds and subtracts business time, line by line",
    .usage = "--policy POLICY [FILE...]",
    .operands = "FILE",
    .text = "NDJSON in (standard input without a FILE): "
            "{\"id\":1,\"calendar\":\"berlin\",\"op\":\"add\",\"start\":\"...\",\"ms\":3600000} or "
            "{\"id\":2,\"calendar\":\"berlin\",\"op\":\"diff\",\"start\":\"...\",\"end\":\"...\"}. NDJSON "
            "out: {\"id\":1,\"at\":\"...\"}, {\"id\":2,\"ms\":...} or {\"id\":...,\"error\":\"...\"}. Of "
            "several versions the newest one's calendars are asked.",
    .options = calendar_options,
    .fails = "input or output failed",
};

static int
parse_options(int argc, char **argv, const char **ret_policy, const char **ret_zoneinfo)
{
    int option;

    while ((option = command_next(&calendar_command, argc, argv)) != COMMAND_END) {
        if (option == 'p') {
            *ret_policy = optarg;
        } else if (option == 'z') {
            *ret_zoneinfo = optarg;
        } else {
            return option == COMMAND_HELP ? 1 : COMMAND_REFUSED;
        }
    }
    if (*ret_policy != NULL)
        return 0;
    return command_refuse(&calendar_command, "--policy is missing");
}

static int
calendar_run(int argc, char **argv)
{
    const char *policy = NULL, *zoneinfo = policy_files_zoneinfo_default();
    int bad = parse_options(argc, argv, &policy, &zoneinfo), more = 0;
    struct symbols *symbols;
    struct policy_set *set;
    struct buffer errors = {0};

    if (bad != 0)
        return bad == 1 ? 0 : 2;
    symbols = symbols_new();
    set = policy_files_load(policy, zoneinfo, symbols, &errors);
    if (set == NULL)
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    if (set != NULL && optind == argc)
        more = answer_file(set, NULL);
    for (int i = optind; set != NULL && i < argc && more >= 0; i++)
        more = answer_file(set, argv[i]);
    bad = set == NULL ? 2 : more < 0 || fflush(stdout) != 0 ? 1 : 0;
    policy_set_free(set);
    symbols_free(symbols);
    buffer_free(&errors);
    return bad;
}
