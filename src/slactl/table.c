/*
 * What: rows of texts in columns.
 *
 * Why so: whoever reads a list at night compares what stands below each other; a name of any length, in any
 * script, must not push the columns apart. Widths are those of the terminal (wcwidth), not bytes.
 *
 * Always true: on a terminal a row takes one line, but for a column that must not be cut; what was cut ends
 * in "…".
 *
 * Not here: what is in the cells.
 */
#include "slactl/table.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdarg.h>

enum { GAP_COLUMNS = 2, NARROW_COLUMNS = 6 };

void
table_heads(struct table *table, ...)
{
    va_list heads;
    const char *head;

    va_start(heads, table);
    while ((head = va_arg(heads, const char *)) != NULL) {
        must(table->columns_count < TABLE_COLUMNS_MAX);
        table->heads[table->columns_count++] = head;
    }
    va_end(heads);
}

void
table_cell(struct table *table, enum terminal_style style, struct slice text)
{
    if (table->count == table->room) {
        table->room = table->room > 0 ? table->room * 2 : 64;
        table->cells = memory_resize(table->cells, table->room * sizeof *table->cells);
    }
    table->cells[table->count] = (struct table_cell){table->texts.bytes, 0, style};
    terminal_append(&table->texts, text);
    table->cells[table->count].bytes = table->texts.bytes - table->cells[table->count].from;
    table->count++;
}

size_t
table_rows_count(const struct table *table)
{
    return table->columns_count > 0 ? table->count / table->columns_count : 0;
}

static bool
is_right(const char *head)
{
    return *head == '>';
}

static const char *
head_text(const char *head)
{
    return head + (*head == '>' || *head == '=');
}

static struct slice
cell_text(const struct table *table, size_t row, size_t column)
{
    const struct table_cell *cell = &table->cells[row * table->columns_count + column];

    return (struct slice){buffer_slice(&table->texts).at + cell->from, cell->bytes};
}

/* How wide each column is, and where there is not enough room the widest ones give way. */
static void
measure(const struct table *table, size_t rows, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t total = 0, count = table->columns_count;

    for (size_t column = 0; column < count; column++) {
        widths[column] = terminal_columns(slice_of(head_text(table->heads[column])));
        for (size_t row = 0; row < rows; row++) {
            size_t wide = terminal_columns(cell_text(table, row, column));

            widths[column] = wide > widths[column] ? wide : widths[column];
        }
        total += widths[column] + (column > 0 ? GAP_COLUMNS : 0);
    }
    while (total > table->terminal->columns) {
        size_t widest = 0;

        for (size_t column = 1; column < count; column++)
            widest = *table->heads[column] != '=' && widths[column] > widths[widest] ? column : widest;
        if (widths[widest] <= NARROW_COLUMNS)
            return;
        widths[widest]--;
        total--;
    }
}

static void
append_cell(const struct table *table, struct buffer *line, struct slice text, size_t width, bool right,
            enum terminal_style style, bool last)
{
    struct buffer cut = {0};
    size_t wide;

    terminal_append_cut(&cut, text, width);
    wide = terminal_columns(buffer_slice(&cut));
    for (size_t i = wide; right && i < width; i++)
        buffer_append_byte(line, ' ');
    buffer_append_text(line, terminal_begin(table->terminal, style));
    buffer_append(line, buffer_slice(&cut).at, cut.bytes);
    buffer_append_text(line, terminal_end(table->terminal, style));
    for (size_t i = wide; !right && !last && i < width; i++)
        buffer_append_byte(line, ' ');
    for (int i = 0; !last && i < GAP_COLUMNS; i++)
        buffer_append_byte(line, ' ');
    buffer_free(&cut);
}

void
table_print(const struct table *table, FILE *out, size_t rows_max)
{
    size_t widths[TABLE_COLUMNS_MAX], rows = table_rows_count(table), count = table->columns_count;
    struct buffer line = {0};

    rows = rows_max > 0 && rows > rows_max ? rows_max : rows;
    if (rows == 0)
        return;
    measure(table, rows, widths);
    for (size_t column = 0; column < count; column++) {
        bool right = is_right(table->heads[column]);

        append_cell(table, &line, slice_of(head_text(table->heads[column])), widths[column], right,
                    TERMINAL_BOLD, column + 1 == count);
    }
    buffer_append_byte(&line, '\n');
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < count; column++)
            append_cell(table, &line, cell_text(table, row, column), widths[column],
                        is_right(table->heads[column]), table->cells[row * count + column].style,
                        column + 1 == count);
        buffer_append_byte(&line, '\n');
    }
    (void)fwrite(line.at, 1, line.bytes, out);
    buffer_free(&line);
}

void
table_done(struct table *table)
{
    memory_free(table->cells);
    buffer_free(&table->texts);
}
