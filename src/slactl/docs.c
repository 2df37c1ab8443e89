/*
 * slactl docs: prints what the tables say, as pages for people and as a configuration to begin with.
 *
 * Why this way: a key, a metric or a code is declared once; its page cannot be forgotten because it is not
 * written. A test compares the tree with what is generated here.
 *
 * Always true: same tables, same bytes.
 *
 * Not here: the tables (include/slad), pages that explain (docs/).
 */
#include "slactl/docs.h"
#include "base/buffer.h"
#include "base/duration.h"
#include "shell/config.h"
#include "shell/metrics.h"
#include "slactl/docs_command.h"
#include "slad/event.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, COMMENT_COLUMNS = 100 };

static void
append_number(struct buffer *out, int64_t number)
{
    buffer_append_int64(out, number);
}

/* In a cell of a table a bar would end it. */
static void
append_cell(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

static void
append_code(struct buffer *out, const char *text)
{
    buffer_append_byte(out, '`');
    append_cell(out, text);
    buffer_append_byte(out, '`');
}

/* ---- configuration ---- */

static void
append_duration(struct buffer *out, int64_t length_ms)
{
    char text[DURATION_TEXT_BYTES];

    duration_format(length_ms, text);
    for (const char *at = text; *at != '\0'; at++)
        if (*at != ' ')
            buffer_append_byte(out, *at);
}

static void
append_bytes(struct buffer *out, int64_t bytes)
{
    static const struct {
        int64_t factor;
        const char *suffix;
    } sizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (bytes != 0 && bytes % sizes[i].factor == 0) {
            append_number(out, bytes / sizes[i].factor);
            buffer_append_text(out, sizes[i].suffix);
            return;
        }
    append_number(out, bytes);
}

static void
append_bound(struct buffer *out, const struct config_row *row, int64_t bound)
{
    if (row->type == CONFIG_TYPE_DURATION)
        append_duration(out, bound);
    else if (row->type == CONFIG_TYPE_BYTES)
        append_bytes(out, bound);
    else
        append_number(out, bound);
}

/* "15m to 4h", "1 to 128 characters", "murmur2, crc32 or any". */
static void
append_range(struct buffer *out, const struct config_row *row)
{
    static const char *const between[] = {[CONFIG_TYPE_CHOICE] = "one of ", [CONFIG_TYPE_SET] = "some of "};

    switch (row->type) {
    case CONFIG_TYPE_CHOICE:
    case CONFIG_TYPE_SET:
        buffer_append_text(out, between[row->type]);
        for (const char *at = row->unit; *at != '\0'; at++)
            buffer_append_text(out, *at == '|' ? ", " : (char[]){*at, '\0'});
        break;
    case CONFIG_TYPE_INSTANT:
        buffer_append_text(out, "an instant, RFC 3339");
        break;
    case CONFIG_TYPE_MAP:
        buffer_append_text(out, "a map of ");
        buffer_append_text(out, row->unit);
        break;
    case CONFIG_TYPE_TEXT:
        buffer_append_text(out, *row->unit != '\0' ? row->unit : "a text");
        break;
    default:
        append_bound(out, row, row->min);
        buffer_append_text(out, " to ");
        append_bound(out, row, row->max);
        if (row->type == CONFIG_TYPE_INTEGER) {
            buffer_append_byte(out, ' ');
            buffer_append_text(out, row->unit);
        }
    }
}

static void
append_config_row(struct buffer *out, const struct config_row *row)
{
    buffer_append_text(out, "| ");
    append_code(out, row->key);
    buffer_append_text(out, " | ");
    if (*row->standard != '\0')
        append_code(out, row->standard);
    buffer_append_text(out, " | ");
    append_range(out, row);
    buffer_append_text(out, row->reloadable ? " | yes | " : " | | ");
    append_cell(out, row->help);
    buffer_append_text(out, " |\n");
}

static void
print_configuration(struct buffer *out)
{
    const char *section = "";

    buffer_append_text(
        out,
        "<!-- Generated from include/slad/config.def by `slactl docs`. -->\n# Configuration\n\n"
        "One YAML file, given with `--config`; `--set key=value` on the command line wins over it (`--set "
        "kafka.NAME=value` for one entry\nof a map). An unknown key, a key twice, a value of another kind or "
        "out of its range is an error with `file:line:column`, and exit\nstatus 2. Lengths of time are "
        "written "
        "`90s 15m 4h 2d 1h30m` (d = 24 h), sizes in bytes or with `KiB`, `MiB`, `GiB`. `SIGHUP`\nreads the "
        "file again: keys marked *reload* take their new value at once, others are named in the log and wait "
        "for a restart.\n\nEvery bound of the daemon is a key here, and the label `bound` of "
        "`slad_bound_hits_total` when it is hit.\n");
    for (enum config_key key = 0; key < CONFIG_KEYS_COUNT; key++) {
        if (strcmp(section, config_section(key)) != 0) {
            section = config_section(key);
            buffer_append_text(out, "\n## ");
            buffer_append_text(out, section);
            buffer_append_text(
                out,
                "\n\n| key | default | range | reload | what it does |\n| --- | --- | --- | --- | --- |\n");
        }
        append_config_row(out, config_row(key));
    }
}

/* A comment, wrapped at words. */
static void
append_comment(struct buffer *out, const char *text)
{
    size_t column = 0;

    buffer_append_byte(out, '#');
    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column + word + 1 > COMMENT_COLUMNS && column > 0) {
            buffer_append_text(out, "\n#");
            column = 0;
        }
        buffer_append_byte(out, ' ');
        buffer_append(out, text, word);
        column += word + 1;
        text += word;
        text += strspn(text, " ");
    }
    buffer_append_byte(out, '\n');
}

static void
append_conf_row(struct buffer *out, const struct config_row *row)
{
    buffer_append_byte(out, '\n');
    append_comment(out, row->help);
    buffer_append_text(out, "# ");
    append_range(out, row);
    buffer_append_text(out, row->reloadable ? "; reload\n#" : "\n#");
    buffer_append_text(out, row->key);
    buffer_append_text(out, ": ");
    if (row->type == CONFIG_TYPE_MAP)
        buffer_append_text(out, "{}");
    else if (*row->standard == '\0')
        buffer_append_text(out, row->type == CONFIG_TYPE_INSTANT ? "2026-11-01T00:00:00Z" : "\"\"");
    else
        buffer_append_text(out, row->standard);
    buffer_append_byte(out, '\n');
}

static void
print_conf(struct buffer *out)
{
    const char *section = "";

    buffer_append_text(
        out, "# slad's configuration: every key with its default. Generated from include/slad/config.def by\n"
             "# `slactl docs`. What is commented out is as it stands here; docs/configuration.md has "
             "it as a table.\n");
    for (enum config_key key = 0; key < CONFIG_KEYS_COUNT; key++) {
        if (strcmp(section, config_section(key)) != 0) {
            section = config_section(key);
            buffer_append_text(out, "\n# ---- ");
            buffer_append_text(out, section);
            buffer_append_text(out, " ----\n");
        }
        append_conf_row(out, config_row(key));
    }
}

/* ---- metrics, dead letters ---- */

static void
print_metrics(struct buffer *out)
{
    buffer_append_text(
        out, "<!-- Generated from include/slad/metrics.def by `slactl docs`. -->\n# Metrics\n\n"
             "`/metrics`, in Prometheus text format. Counters count since the process started; lengths of "
             "time are seconds.\n\n| metric | type | label | what it says |\n| --- | --- | --- | --- |\n");
    for (enum metric metric = 0; metric < METRICS_COUNT; metric++) {
        struct metric_row row = metrics_row(metric);

        buffer_append_text(out, "| ");
        append_code(out, row.name);
        buffer_append_text(out, " | ");
        buffer_append_text(out, row.kind);
        buffer_append_text(out, " | ");
        if (*row.label != '\0')
            append_code(out, row.label);
        buffer_append_text(out, " | ");
        append_cell(out, row.help);
        buffer_append_text(out, " |\n");
    }
}

static void
print_errors(struct buffer *out)
{
    static const char *const rows[][2] = {
#define ERROR(NAME, code, help) {code, help},
#include "slad/errors.def"
#undef ERROR
    };

    buffer_append_text(
        out,
        "<!-- Generated from include/slad/errors.def by `slactl docs`. -->\n# Dead letters\n\n"
        "An event that cannot be taken goes to `slad.deadletters` as it came (key, value, headers) with "
        "the headers\n`slad-error` (a code of this table), `slad-detail`, `slad-topic`, `slad-partition` and "
        "`slad-offset`. Codes are never renamed.\n\n| code | why |\n| --- | --- |\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buffer_append_text(out, "| ");
        append_code(out, rows[i][0]);
        buffer_append_text(out, " | ");
        append_cell(out, rows[i][1]);
        buffer_append_text(out, " |\n");
    }
}

/* ---- manual pages ---- */

static void
append_manual_row(struct buffer *out, const struct config_row *row)
{
    struct buffer range = {0};

    append_range(&range, row);
    buffer_append_byte(&range, '\0');
    buffer_append_byte(out, '*');
    docs_command_append_scdoc(out, row->key);
    buffer_append_text(out, "*\n\t");
    docs_command_append_scdoc(out, row->help);
    buffer_append_text(out, ". _");
    docs_command_append_scdoc(out, range.at);
    buffer_append_byte(out, '_');
    if (*row->standard != '\0') {
        buffer_append_text(out, "; default *");
        docs_command_append_scdoc(out, row->standard);
        buffer_append_byte(out, '*');
    }
    buffer_append_text(out, row->reloadable ? "; reload\n\n" : "\n\n");
    buffer_free(&range);
}

static void
print_manual(struct buffer *out)
{
    const char *section = "";

    buffer_append_text(
        out,
        "slad.yaml(5) \"slad " SLAD_VERSION
        "\"\n\n; Generated from include/slad/config.def by `slactl docs`.\n\n"
        "# NAME\n\nslad.yaml - the configuration of slad\n\n"
        "# DESCRIPTION\n\n"
        "One YAML file, given to *slad*(8) with *--config*; *--set* _key=value_ wins over it, and *--set* "
        "_kafka.NAME=value_ sets one entry of a map. An unknown key, a key twice, a value of another kind or "
        "out of "
        "its range is an error with file, line and column, and exit status 2. Lengths of time are written "
        "90s, 15m, "
        "4h, 2d, 1h30m (d = 24 h), sizes in bytes or with KiB, MiB, GiB. SIGHUP reads the file again: keys "
        "marked "
        "_reload_ take their new value at once, others are named in the log and wait for a restart.\n\n");
    for (enum config_key key = 0; key < CONFIG_KEYS_COUNT; key++) {
        if (strcmp(section, config_section(key)) != 0) {
            section = config_section(key);
            buffer_append_text(out, "# ");
            for (const char *at = section; *at != '\0'; at++)
                buffer_append_byte(out, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
            buffer_append_text(out, "\n\n");
        }
        append_manual_row(out, config_row(key));
    }
    buffer_append_text(out, "# SEE ALSO\n\n*slad*(8), *slactl*(1), *slad-policy*(5)\n");
}

/* ---- pages ---- */

static const struct page {
    const char *name, *path;
    void (*print)(struct buffer *out);
} pages[] = {
    {"configuration", "docs/configuration.md", print_configuration},
    {"conf", "conf/slad.yaml", print_conf},
    {"metrics", "docs/metrics.md", print_metrics},
    {"errors", "docs/errors.md", print_errors},
    {"slactl.1", "man/slactl.1.scd", docs_command_print_manual},
    {"slad.yaml.5", "man/slad.yaml.5.scd", print_manual},
    {"completion", "completion/slactl", docs_command_print_completion},
};

static int
complain(const char *path)
{
    fprintf(stderr, "slactl docs: %s: %s\n", path, strerror(errno));
    return 1;
}

static int
write_page(const char *directory, const struct page *page)
{
    struct buffer out = {0};
    char path[PATH_BYTES];
    FILE *stream;
    bool written;

    snprintf(path, sizeof path, "%s/%.*s", directory, (int)strcspn(page->path, "/"), page->path);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return complain(path);
    snprintf(path, sizeof path, "%s/%s", directory, page->path);
    stream = fopen(path, "we");
    if (stream == NULL)
        return complain(path);
    page->print(&out);
    written = fwrite(out.at, 1, out.bytes, stream) == out.bytes;
    buffer_free(&out);
    return fclose(stream) == 0 && written ? 0 : complain(path);
}

static int
print_page(const struct page *page)
{
    struct buffer out = {0};
    bool written;

    page->print(&out);
    written = fwrite(out.at, 1, out.bytes, stdout) == out.bytes && fflush(stdout) == 0;
    buffer_free(&out);
    return written ? 0 : complain("standard output");
}

static int docs_run(int argc, char **argv);

static const struct command_option docs_options[] = {{0}};

const struct command docs_command = {
    .name = "docs",
    .run = docs_run,
    .help = "prints the pages that are generated from the tables",
    .usage = "PAGE | DIRECTORY",
    .operands = "DIR",
    .text = "Prints a page that is generated from the tables of slad, or writes all of them into a "
            "directory. Pages: "
            "configuration, conf, metrics, errors, slactl.1, slad.yaml.5, completion.",
    .options = docs_options,
    .fails = "the page cannot be written",
};

static int
docs_run(int argc, char **argv)
{
    int option = command_next(&docs_command, argc, argv);
    struct stat status;
    int failed = 0;

    if (option != COMMAND_END)
        return option == COMMAND_HELP ? COMMAND_DONE : COMMAND_REFUSED;
    if (argc != 2)
        return command_refuse(&docs_command, "expected one PAGE or DIRECTORY");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(argv[1], pages[i].name) == 0)
            return print_page(&pages[i]);
    if (stat(argv[1], &status) != 0 || !S_ISDIR(status.st_mode)) {
        fprintf(stderr,
                "slactl docs: \"%s\" is no page and no directory (slactl docs --help lists the pages)\n",
                argv[1]);
        return 2;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        failed |= write_page(argv[1], &pages[i]);
    return failed;
}
