/*
 * slactl policy diff: what changes between two policies; and whether a disk is what a running slad goes by.
 *
 * What: two versions as facts (policy_facts.c), and what differs; or the versions of a disk against
 * /api/v1/policies.
 *
 * Why so: who signs a change wants to read "target P1: 2 h, was 4 h", not lines of YAML that moved.
 *
 * Always true: of a directory the newest version is compared; the exit status is 0 only if nothing differs.
 *
 * Not here: what a change would have done to last quarter's tickets (slactl whatif).
 */
#include "slactl/policy.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/policy_files.h"
#include "slactl/api.h"
#include "slactl/json_fields.h"
#include "slactl/policy_facts.h"
#include "slactl/terminal.h"
#include "wire/print.h"

static int policy_run(int argc, char **argv);

enum { OLD, NEW, SIDES, DIGEST_BYTES = 65 };

static const struct command_option policy_options[] = {
    {"json", 'j', NULL, "NDJSON, a difference a line, then the sum"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    API_OPTIONS,
    {0},
};

const struct command policy_command = {
    .name = "policy",
    .run = policy_run,
    .help = "what changes between two policies, or between the disk and what is in force",
    .usage = "diff OLD NEW [OPTION]...\ndiff POLICY [OPTION]...",
    .operands = "diff",
    .text = "With two policies: what the newest version of NEW promises differently than the newest one of "
            "OLD, in the words of "
            "the field. With one: whether every version on this disk is what a running slad goes by, and the "
            "other way round.",
    .options = policy_options,
    .fails = "something differs",
    .asks = true,
};

struct policy_diff {
    struct api api;
    const char *zoneinfo_dir;
    bool json;
    struct symbols *symbols;
    struct policy_set *sets[SIDES];
    struct terminal terminal;
    struct buffer line;
    struct slice subject; /* the one in hand */
    size_t differences;
};

/* ---- two policies ---- */

static const struct policy *
newest(const struct policy_set *set)
{
    return policy_set_version(set, policy_set_count(set) - 1);
}

static void
print_line(struct policy_diff *diff)
{
    (void)fwrite(buffer_slice(&diff->line).at, 1, diff->line.bytes, stdout);
    buffer_reset(&diff->line);
}

/* "  target P1: 2 h, was 4 h"; of what is there on one side alone "+" and "-". */
static void
print_for_people(struct policy_diff *diff, const struct policy_fact *old, const struct policy_fact *new)
{
    const struct policy_fact *fact = new != NULL ? new : old;
    enum terminal_style style = old == NULL ? TERMINAL_GREEN : new == NULL ? TERMINAL_RED : TERMINAL_YELLOW;
    struct buffer *line = &diff->line;

    if (!slice_equal(fact->subject, diff->subject)) {
        buffer_append_byte(line, '\n');
        buffer_append_text(line, terminal_begin(&diff->terminal, TERMINAL_BOLD));
        terminal_append(line, fact->subject);
        buffer_append_text(line, terminal_end(&diff->terminal, TERMINAL_BOLD));
        buffer_append_byte(line, '\n');
        diff->subject = fact->subject;
    }
    buffer_append_text(line, terminal_begin(&diff->terminal, style));
    buffer_append_text(line, old == NULL ? "  + " : new == NULL ? "  - " : "  ~ ");
    terminal_append(line, fact->property);
    buffer_append_text(line, ": ");
    terminal_append(line, fact->value);
    if (old != NULL && new != NULL) {
        buffer_append_text(line, ", was ");
        terminal_append(line, old->value);
    }
    buffer_append_text(line, terminal_end(&diff->terminal, style));
    buffer_append_byte(line, '\n');
    print_line(diff);
}

static void
print_for_programs(struct policy_diff *diff, const struct policy_fact *old, const struct policy_fact *new)
{
    const struct policy_fact *fact = new != NULL ? new : old;
    struct buffer *line = &diff->line;

    buffer_append_text(line, "{\"record\":\"difference\"");
    print_key(line, "subject"), print_text(line, fact->subject);
    print_key(line, "property"), print_text(line, fact->property);
    print_key(line, "old"), print_text_or_null(line, old != NULL ? old->value : (struct slice){0});
    print_key(line, "new"), print_text_or_null(line, new != NULL ? new->value : (struct slice){0});
    buffer_append_text(line, "}\n");
    print_line(diff);
}

static void
tell(struct policy_diff *diff, const struct policy_fact *old, const struct policy_fact *new)
{
    if (old != NULL && new != NULL && slice_equal(old->value, new->value))
        return;
    diff->differences++;
    if (diff->json)
        print_for_programs(diff, old, new);
    else
        print_for_people(diff, old, new);
}

static void
compare_facts(struct policy_diff *diff, const struct policy_facts facts[SIDES])
{
    size_t old = 0, new = 0;

    while (old < facts[OLD].count || new < facts[NEW].count) {
        int order = old == facts[OLD].count ? 1
                    : new == facts[NEW].count
                        ? -1
                        : policy_facts_compare(&facts[OLD].list[old], &facts[NEW].list[new]);

        tell(diff, order <= 0 ? &facts[OLD].list[old] : NULL, order >= 0 ? &facts[NEW].list[new] : NULL);
        old += order <= 0;
        new += order >= 0;
    }
}

static void
print_heading(struct policy_diff *diff)
{
    for (int side = 0; side < SIDES && !diff->json; side++) {
        const struct policy *policy = newest(diff->sets[side]);
        char from[INSTANT_TEXT_BYTES] = "always";

        if (policy->from_ms != INT64_MIN)
            instant_format(policy->from_ms, from);
        buffer_append_text(&diff->line, side == OLD ? "old: " : "new: ");
        terminal_append(&diff->line, policy->label);
        buffer_append_text(&diff->line, " from ");
        buffer_append_text(&diff->line, from);
        buffer_append_byte(&diff->line, '\n');
        print_line(diff);
    }
}

static void
print_sum(struct policy_diff *diff)
{
    if (diff->json) {
        buffer_append_text(&diff->line, "{\"record\":\"sum\"");
        print_key(&diff->line, "old"), print_text(&diff->line, newest(diff->sets[OLD])->label);
        print_key(&diff->line, "new"), print_text(&diff->line, newest(diff->sets[NEW])->label);
        print_key(&diff->line, "differences"), buffer_append_int64(&diff->line, (int64_t)diff->differences);
        buffer_append_text(&diff->line, "}\n");
        print_line(diff);
    } else if (diff->differences == 0) {
        puts("\nNothing that they promise differs.");
    } else {
        printf("\n%zu difference%s\n", diff->differences, diff->differences == 1 ? "" : "s");
    }
}

static int
compare_two(struct policy_diff *diff)
{
    struct policy_facts facts[SIDES] = {{0}, {0}};

    for (int side = 0; side < SIDES; side++)
        policy_facts_collect(&facts[side], newest(diff->sets[side]));
    print_heading(diff);
    compare_facts(diff, facts);
    print_sum(diff);
    for (int side = 0; side < SIDES; side++)
        policy_facts_done(&facts[side]);
    return diff->differences > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* ---- the disk against what is in force ---- */

static void
digest_of(const struct policy *policy, char ret_text[DIGEST_BYTES])
{
    for (size_t i = 0; i < sizeof policy->hash; i++)
        snprintf(ret_text + 2 * i, 3, "%02x", policy->hash[i]);
}

/* "differs: 2026-11@1f3a9c: ..." */
static void
say(struct policy_diff *diff, bool same, struct slice label, const char *what, struct slice more)
{
    struct buffer *line = &diff->line;

    diff->differences += !same;
    if (diff->json) {
        buffer_append_text(line, "{\"record\":\"version\"");
        print_key(line, "label"), print_text(line, label);
        print_key(line, "same"), print_bool(line, same);
        print_key(line, "what"), print_text(line, slice_of(what));
        print_key(line, "detail"), print_text_or_null(line, more);
        buffer_append_text(line, "}\n");
    } else {
        buffer_append_text(line, same ? "same: " : "differs: ");
        terminal_append(line, label);
        buffer_append_text(line, label.bytes > 0 ? ", " : "");
        buffer_append_text(line, what);
        terminal_append(line, more);
        buffer_append_byte(line, '\n');
    }
    print_line(diff);
}

static void
compare_version(struct policy_diff *diff, const struct cJSON *version, bool *seen)
{
    struct slice name = json_fields_text(version, "version"), label = json_fields_text(version, "label");
    bool in_force = json_fields_true(version, "in_force");

    for (size_t i = 0; i < policy_set_count(diff->sets[NEW]); i++) {
        const struct policy *policy = policy_set_version(diff->sets[NEW], i);
        char digest[DIGEST_BYTES];

        if (!slice_equal(policy->version, name))
            continue;
        seen[i] = true;
        digest_of(policy, digest);
        if (slice_is(json_fields_text(version, "digest"), digest))
            say(diff, true, label, in_force ? "in force now" : "known", (struct slice){0});
        else
            say(diff, false, label, "this disk has another text or other zone files: ", policy->label);
        return;
    }
    say(diff, false, label,
        in_force ? "in force now, and not on this disk" : "known to slad, and not on this disk",
        (struct slice){0});
}

static int
compare_with_slad(struct policy_diff *diff)
{
    bool *seen = memory_allocate_zeroed(policy_set_count(diff->sets[NEW]) + 1, sizeof *seen);
    const struct cJSON *answer, *versions, *differences;
    struct http_response response;
    int status = api_get(&diff->api, "/api/v1/policies", &response);

    if (status == COMMAND_DONE) {
        answer = api_read(&diff->api, buffer_slice(&response.body));
        versions = json_fields_find(answer, "versions");
        differences = json_fields_find(answer, "differences");
        if (versions == NULL)
            status = COMMAND_FAILED;
        for (const struct cJSON *version = versions != NULL ? versions->child : NULL; version != NULL;
             version = version->next)
            compare_version(diff, version, seen);
        for (const struct cJSON *one = differences != NULL ? differences->child : NULL; one != NULL;
             one = one->next)
            if (json_is_text(one))
                say(diff, false, slice_of(""), "its own disk: ", json_text(one));
        for (size_t i = 0; versions != NULL && i < policy_set_count(diff->sets[NEW]); i++)
            if (!seen[i])
                say(diff, false, policy_set_version(diff->sets[NEW], i)->label,
                    "on this disk, and not known to slad (slactl reload)", (struct slice){0});
        http_response_done(&response);
    }
    memory_free(seen);
    return status != COMMAND_DONE ? status : diff->differences > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* ---- the command ---- */

static int
load(struct policy_diff *diff, int side, const char *path)
{
    struct buffer errors = {0};

    diff->sets[side] = policy_files_load(path, diff->zoneinfo_dir, diff->symbols, &errors);
    if (diff->sets[side] == NULL)
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    buffer_free(&errors);
    return diff->sets[side] != NULL ? COMMAND_DONE : COMMAND_REFUSED;
}

/* paths: one or two. */
static int
run(struct policy_diff *diff, char **paths, int count)
{
    int status;

    diff->symbols = symbols_new();
    diff->terminal = terminal_look(stdout);
    status = load(diff, NEW, paths[count - 1]);
    if (status == COMMAND_DONE && count == 2)
        status = load(diff, OLD, paths[0]);
    if (status == COMMAND_DONE && count == 1)
        status = api_open(&diff->api, &policy_command);
    if (status == COMMAND_DONE)
        status = count == 2 ? compare_two(diff) : compare_with_slad(diff);
    if (count == 1)
        api_close(&diff->api);
    for (int side = 0; side < SIDES; side++)
        policy_set_free(diff->sets[side]);
    symbols_free(diff->symbols);
    buffer_free(&diff->line);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

static int
policy_run(int argc, char **argv)
{
    struct policy_diff diff = {.zoneinfo_dir = policy_files_zoneinfo_default()};
    int option, count;

    while ((option = command_next(&policy_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == 'j')
            diff.json = true;
        else if (option == 'z')
            diff.zoneinfo_dir = optarg;
        else if (!api_take_option(&diff.api, option, optarg))
            return COMMAND_REFUSED;
    }
    count = argc - optind - 1;
    if (count < 1 || count > 2 || strcmp(argv[optind], "diff") != 0)
        return command_refuse(&policy_command, "expected diff, and one or two policies");
    return run(&diff, argv + optind + 1, count);
}
