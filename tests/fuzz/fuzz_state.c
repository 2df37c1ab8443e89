/* State records from strangers: what is refused leaves nothing behind; what is taken is a sound ticket: it is
 * saved again as the same bytes, derived, advanced by a year, asked for its clocks, and saved once more. */
#include "base/instant.h"
#include "fuzz_policy_rich.h"
#include "slad/engine.h"
#include "wire/effect.h"

#define START_MS INT64_C(1774602000000) /* 2026-03-27T09:00:00Z */

static void
on_clock(void *context, const struct clock_line *line)
{
    struct buffer *out = context;

    buffer_reset(out);
    effect_print_clock(out, line);
}

static void
live(struct engine *engine, struct ticket *ticket, struct buffer *out)
{
    const int64_t end_ms = START_MS + INT64_C(365) * 86400000;
    struct ticket *changed;

    engine_loaded(engine, START_MS);
    for (int64_t t_ms = START_MS; t_ms < end_ms; t_ms += INT64_C(60) * 86400000) {
        while (engine_advance(engine, t_ms, ENGINE_THROUGH, 1))
            continue;
    }
    if (engine_next_ms(engine) != INT64_MAX)
        engine_clock_lines(engine, ticket, end_ms, on_clock, out);
    while ((changed = engine_changed_next(engine)) != NULL) {
        buffer_reset(out);
        (void)engine_save(engine, changed, out);
    }
}

static void
take(const struct fuzz_policy *policies, struct slice record)
{
    struct engine_options options = {
        .symbols = policies->symbols,
        .late_after_ms = 3600000,
        .retire_after_ms = INT64_C(30) * 86400000,
        .retirement_mark_ms = INT64_C(400) * 86400000,
        .alerts_from_ms = INT64_MIN,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .history_max = 1024,
        .self_check = true,
    };
    struct engine *engine = engine_new(&options, policies->set), *other = engine_new(&options, policies->set);
    const struct slice name = slice_of("T-0");
    struct buffer first = {0}, second = {0};

    if (engine_load(engine, name, record) == 0) {
        must(engine_tickets_count(engine) == 1);
        must(engine_save(engine, engine_find(engine, name), &first));
        must(engine_load(other, name, buffer_slice(&first)) == 0);
        must(engine_save(other, engine_find(other, name), &second));
        must(slice_equal(buffer_slice(&first), buffer_slice(&second)));
        live(engine, engine_find(engine, name), &second);
    } else {
        must(engine_tickets_count(engine) == 0);
    }
    buffer_free(&first);
    buffer_free(&second);
    engine_free(engine);
    engine_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct fuzz_policy policies;
    static size_t symbols;

    if (policies.set == NULL) {
        fuzz_policy_rich_load(&policies);
        symbols = symbols_count(policies.symbols);
    }
    take(&policies, (struct slice){(const char *)bytes, count});
    must(symbols_count(policies.symbols) == symbols);
    return 0;
}
