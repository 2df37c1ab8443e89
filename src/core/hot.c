/*
 * Points that lie unpacked, for the tickets that were touched lately.
 *
 * Why beside the packed ones: of a million tickets a few thousand have an event today, and most of them have
 * the next one soon. Packing and unpacking was a quarter of an event's work; an image is copied in a
 * fiftieth of it, and its three times the memory is spent on few. Why a second chance instead of an order of
 * use: one bit says as much, and an event moves nothing. Always true: a ticket has its point here or packed,
 * never both; restored from an image a fold is what it is restored from the same point packed, so nothing
 * that is said depends on who is hot; no image outlives the policies it points into (hot_cool). Not here:
 * packing (point).
 */
#include "core/hot.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"

enum { IMAGE_STEP = 128, PLACES_MIN = 64 };

struct hot_image {
    struct ticket *ticket; /* whose it is */
    size_t place;          /* in hot->images */
    size_t room;           /* bytes, itself included */
    const struct policy_set *set;
    size_t days_version; /* its calendars have these days */
    size_t clocks_count;
    uint32_t marks_count;
    bool broken; /* the course is */
    bool again;  /* touched since the hand came by */
    struct life life;
    struct clock clocks[]; /* behind them the course's marks */
};

struct hot {
    struct hot_image **images;
    size_t count, room, max;
    size_t hand;
    struct buffer scratch;
};

struct hot *
hot_new(size_t tickets_max)
{
    struct hot *hot = memory_allocate_zeroed(1, sizeof *hot);

    hot->max = tickets_max;
    return hot;
}

void
hot_free(struct hot *hot)
{
    must(hot->count == 0);
    memory_free(hot->images);
    buffer_free(&hot->scratch);
    memory_free(hot);
}

size_t
hot_count(const struct hot *hot)
{
    return hot->count;
}

size_t
hot_bytes(const struct ticket *ticket)
{
    return point_is_hot(&ticket->point) ? ticket->point.image->room : ticket->point.room;
}

static struct course_mark *
marks_of(const struct hot_image *image)
{
    return (struct course_mark *)(image->clocks + image->clocks_count);
}

/* Its place is taken by the last one's; the image is its taker's. */
static struct hot_image *
take_out(struct hot *hot, struct hot_image *image)
{
    struct hot_image *last = hot->images[--hot->count];

    last->place = image->place;
    hot->images[last->place] = last;
    image->ticket->point = (struct point){0};
    return image;
}

static void
pack(struct hot *hot, struct ticket *ticket, const struct hot_image *image)
{
    const struct point_content content = {
        .set = image->set,
        .base_ms = ticket->history.base_ms,
        .life = &image->life,
        .clocks = image->clocks,
        .clocks_count = image->clocks_count,
        .course = {.marks = marks_of(image), .count = image->marks_count, .broken = image->broken},
    };

    point_pack(&ticket->point, &content, &hot->scratch);
    history_trim(&ticket->history);
}

void
hot_cool(struct hot *hot)
{
    while (hot->count > 0) {
        struct ticket *ticket = hot->images[hot->count - 1]->ticket;
        struct hot_image *image = take_out(hot, ticket->point.image);

        pack(hot, ticket, image);
        memory_free(image);
    }
    hot->hand = 0;
}

/* The image of one that was not touched for a round of the hand; it is packed. */
static struct hot_image *
cool_one(struct hot *hot)
{
    struct hot_image *image;
    struct ticket *ticket;

    for (;; hot->hand++) {
        if (hot->hand >= hot->count)
            hot->hand = 0;
        image = hot->images[hot->hand];
        if (!image->again)
            break;
        image->again = false;
    }
    ticket = image->ticket;
    (void)take_out(hot, image);
    pack(hot, ticket, image);
    return image;
}

static struct hot_image *
make_room(struct hot_image *image, size_t bytes)
{
    size_t room = (bytes + IMAGE_STEP - 1) / IMAGE_STEP * IMAGE_STEP;

    if (image != NULL && image->room >= bytes && image->room <= room + 4 * (size_t)IMAGE_STEP)
        return image;
    image = memory_resize(image, room);
    image->room = room;
    return image;
}

static void
put_in(struct hot *hot, struct ticket *ticket, struct hot_image *image)
{
    if (hot->count == hot->room) {
        hot->room = hot->room > 0 ? hot->room * 2 : PLACES_MIN;
        hot->images = memory_resize(hot->images, hot->room * sizeof(struct hot_image *));
    }
    point_done(&ticket->point);
    image->ticket = ticket;
    image->place = hot->count;
    image->again = false;
    hot->images[hot->count++] = image;
    ticket->point = (struct point){.image = image, .used = POINT_IS_HOT};
}

static void
fill(struct hot_image *image, const struct fold *fold)
{
    image->set = fold->set;
    image->days_version = fold->days_version;
    image->clocks_count = fold->clocks_count;
    image->marks_count = fold->course.count;
    image->broken = fold->course.broken;
    image->life = fold->life;
    if (fold->clocks_count > 0)
        memcpy(image->clocks, fold->clocks, fold->clocks_count * sizeof *fold->clocks);
    if (fold->course.count > 0)
        memcpy(marks_of(image), fold->course.marks, fold->course.count * sizeof *fold->course.marks);
}

void
hot_keep(struct hot *hot, struct ticket *ticket, const struct fold *fold)
{
    size_t bytes = sizeof(struct hot_image) + fold->clocks_count * sizeof *fold->clocks +
                   fold->course.count * sizeof *fold->course.marks;
    struct hot_image *image = NULL;

    if (hot->max == 0) {
        point_keep(&ticket->point, fold, &hot->scratch);
        history_trim(&ticket->history);
        return;
    }
    if (point_is_hot(&ticket->point)) {
        image = make_room(ticket->point.image, bytes);
        image->again = true;
        ticket->point.image = hot->images[image->place] = image;
    } else {
        if (hot->count == hot->max)
            image = cool_one(hot);
        image = make_room(image, bytes);
        put_in(hot, ticket, image);
    }
    fill(image, fold);
}

bool
hot_restore(const struct ticket *ticket, struct fold *fold)
{
    const struct hot_image *image = ticket->point.image;

    if (!point_is_hot(&ticket->point))
        return point_restore(&ticket->point, fold);
    must(image->set == fold->set);
    fold_reset_around(fold);
    fold->life = image->life;
    fold->clocks_count = image->clocks_count;
    fold_reserve(fold, image->clocks_count);
    if (image->clocks_count > 0)
        memcpy(fold->clocks, image->clocks, image->clocks_count * sizeof *fold->clocks);
    for (size_t i = 0; fold->days_version != image->days_version && i < fold->clocks_count; i++) {
        struct clock *clock = &fold->clocks[i];

        if (clock->started_at_ms != INSTANT_NONE)
            clock->calendar = clock_calendar(fold, clock->promise, clock->version);
    }
    fold->course.broken = image->broken;
    course_take(&fold->course, marks_of(image), image->marks_count);
    return true;
}

bool
hot_life(const struct ticket *ticket, struct life *life)
{
    if (!point_is_hot(&ticket->point))
        return point_life(&ticket->point, ticket->history.base_ms, life);
    *life = ticket->point.image->life;
    return true;
}

void
hot_drop(struct hot *hot, struct ticket *ticket)
{
    if (point_is_hot(&ticket->point))
        memory_free(take_out(hot, ticket->point.image));
    else
        point_done(&ticket->point);
}
