/*
 * What: RFC 3339 texts to milliseconds and back, and the civil calendar behind them.
 *
 * Why this way: strptime and gmtime know locales, time zones and years we refuse; a grammar of twenty bytes
 * is read by hand, strictly, and never asks the machine for anything.
 *
 * Always true: instant_parse(instant_format(x)) is x for every x in years 1 to 9999.
 *
 * Not here: time zones (core/zone.c), the present time.
 */
#include "base/instant.h"
#include "base/buffer.h"
#include <stdbool.h>

enum {
    DATE_TIME_BYTES = 19, /* 2026-11-22T10:15:30 */
    DAYS_A_ERA = 146097,  /* 400 years */
    DAYS_TO_1970 = 719468 /* from 0000-03-01 */
};

int64_t
instant_days_from_civil(int64_t year, int32_t month, int32_t day)
{
    int64_t era, year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * DAYS_A_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           DAYS_TO_1970;
}

/* A day counted from 0000-03-01, by multiplications: Cassio Neri and Lorenz Schneider, "Euclidean affine
 * functions and their application to calendar algorithms" (2023), section 5. */
static inline struct instant_date
date_of(uint32_t day)
{
    uint32_t quarters = 4 * day + 3, century = quarters / DAYS_A_ERA, day_of_year, month;
    uint64_t product = UINT64_C(2939745) * (quarters % DAYS_A_ERA | 3);
    bool after_december;

    day_of_year = (uint32_t)product / 2939745 / 4;
    after_december = day_of_year >= 306;
    month = 2141 * day_of_year + 197913;
    return (struct instant_date){
        .year = (int32_t)(100 * century + (uint32_t)(product >> 32) + after_december),
        .month = (int32_t)(month >> 16) - (after_december ? 12 : 0),
        .day = (int32_t)((month & 0xffff) / 2141 + 1),
    };
}

struct instant_date
instant_civil_from_days(int64_t days)
{
    struct instant_date date;
    int64_t era;

    days += DAYS_TO_1970;
    era = (days >= 0 ? days : days - (DAYS_A_ERA - 1)) / DAYS_A_ERA;
    date = date_of((uint32_t)(days - era * DAYS_A_ERA));
    date.year += (int32_t)(era * 400);
    return date;
}

int32_t
instant_weekday(int64_t days)
{
    int64_t weekday = (days + 3) % 7; /* 1970-01-01 was a Thursday */

    return (int32_t)(weekday < 0 ? weekday + 7 : weekday);
}

int32_t
instant_days_of_month(int64_t year, int32_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool
is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* count digits at `at` within low..high; -1 when they are not. */
static int32_t
number_at(const char *at, size_t count, int32_t low, int32_t high)
{
    int32_t value = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_digit(at[i]))
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value >= low && value <= high ? value : -1;
}

/* The 19 bytes up to the seconds, as if UTC. */
static int
parse_date_time(const char *at, int64_t *ret_s)
{
    int32_t year = number_at(at, 4, 1, 9999);
    int32_t month = number_at(at + 5, 2, 1, 12);
    int32_t day = number_at(at + 8, 2, 1, 31);
    int32_t hour = number_at(at + 11, 2, 0, 23);
    int32_t minute = number_at(at + 14, 2, 0, 59);
    int32_t second = number_at(at + 17, 2, 0, 59);

    if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
        return -1;
    if (at[4] != '-' || at[7] != '-' || (at[10] | 0x20) != 't' || at[13] != ':' || at[16] != ':')
        return -1;
    if (day > instant_days_of_month(year, month))
        return -1;
    *ret_s = instant_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return 0;
}

/* ".123456" off the front; no fraction is 0 ms. */
static int
parse_fraction(struct slice *rest, int32_t *ret_ms)
{
    int32_t scale = 100;
    size_t i = 1;

    *ret_ms = 0;
    if (rest->bytes == 0 || rest->at[0] != '.')
        return 0;
    for (; i < rest->bytes && is_digit(rest->at[i]); i++, scale /= 10)
        *ret_ms += (rest->at[i] - '0') * scale;
    if (i == 1)
        return -1;
    *rest = (struct slice){rest->at + i, rest->bytes - i};
    return 0;
}

/* "Z" or "+01:00", and nothing behind. */
static int
parse_offset(struct slice rest, int32_t *ret_s)
{
    int32_t hours, minutes;

    if (rest.bytes == 1 && (rest.at[0] | 0x20) == 'z') {
        *ret_s = 0;
        return 0;
    }
    if (rest.bytes != 6 || (rest.at[0] != '+' && rest.at[0] != '-') || rest.at[3] != ':')
        return -1;
    hours = number_at(rest.at + 1, 2, 0, 23);
    minutes = number_at(rest.at + 4, 2, 0, 59);
    if (hours < 0 || minutes < 0)
        return -1;
    *ret_s = (hours * 3600 + minutes * 60) * (rest.at[0] == '-' ? -1 : 1);
    return 0;
}

int
instant_parse(struct slice text, int64_t *ret_ms)
{
    struct slice rest;
    int64_t local_s, at_ms;
    int32_t fraction_ms, offset_s;

    if (text.bytes < DATE_TIME_BYTES + 1 || parse_date_time(text.at, &local_s) != 0)
        return -1;
    rest = (struct slice){text.at + DATE_TIME_BYTES, text.bytes - DATE_TIME_BYTES};
    if (parse_fraction(&rest, &fraction_ms) != 0 || parse_offset(rest, &offset_s) != 0)
        return -1;
    at_ms = (local_s - offset_s) * 1000 + fraction_ms;
    if (at_ms < INSTANT_MIN_MS || at_ms > INSTANT_MAX_MS)
        return -1;
    *ret_ms = at_ms;
    return 0;
}

static inline void
put_two(char *at, uint32_t value)
{
    memcpy(at, buffer_digit_pairs + (size_t)2 * value, 2);
}

void
instant_format(int64_t at_ms, char out[INSTANT_TEXT_BYTES])
{
    uint32_t day, of_day_ms, of_day_s, minutes;
    struct instant_date date;
    uint64_t from_march_ms;

    if (at_ms < INSTANT_MIN_MS)
        at_ms = INSTANT_MIN_MS;
    if (at_ms > INSTANT_MAX_MS)
        at_ms = INSTANT_MAX_MS;
    from_march_ms = (uint64_t)(at_ms + DAYS_TO_1970 * INT64_C(86400000)); /* within the years 0 to 9999 */
    day = (uint32_t)(from_march_ms / 86400000);
    of_day_ms = (uint32_t)(from_march_ms % 86400000);
    of_day_s = of_day_ms / 1000;
    of_day_ms %= 1000;
    minutes = of_day_s / 60;
    date = date_of(day);
    memcpy(out, "0000-00-00T00:00:00.000Z", INSTANT_TEXT_BYTES);
    put_two(out, (uint32_t)date.year / 100);
    put_two(out + 2, (uint32_t)date.year % 100);
    put_two(out + 5, (uint32_t)date.month);
    put_two(out + 8, (uint32_t)date.day);
    put_two(out + 11, minutes / 60);
    put_two(out + 14, minutes % 60);
    put_two(out + 17, of_day_s % 60);
    out[20] = (char)('0' + of_day_ms / 100);
    put_two(out + 21, of_day_ms % 100);
}
