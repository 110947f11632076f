#include "imap/date.h"
#include <assert.h>

#define DAY_S 86400
#define ERA_DAYS 146097 /* 400 years */
#define ERA_YEARS 400
/* From 0000-03-01 to 1970-01-01. Years are counted from March, so that the leap day is their last.
 */
#define EPOCH_DAYS 719468

static const struct str months[12] = {
    {"Jan", 3}, {"Feb", 3}, {"Mar", 3}, {"Apr", 3}, {"May", 3}, {"Jun", 3},
    {"Jul", 3}, {"Aug", 3}, {"Sep", 3}, {"Oct", 3}, {"Nov", 3}, {"Dec", 3},
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

int64_t date_from_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                        unsigned second)
{
    assert(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = floor_div(y, ERA_YEARS);
    int64_t year_of_era = y - era * ERA_YEARS;
    int64_t day_of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * ERA_DAYS + day_of_era - EPOCH_DAYS;
    return days * DAY_S + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
}

void date_to_civil(int64_t unix_s, int *year, unsigned *month, unsigned *day, unsigned *hour,
                   unsigned *minute, unsigned *second)
{
    int64_t days = floor_div(unix_s, DAY_S);
    int64_t rest = unix_s - days * DAY_S;
    days += EPOCH_DAYS;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t day_of_era = days - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * ERA_YEARS + (*month <= 2 ? 1 : 0));
    *hour = (unsigned)(rest / 3600);
    *minute = (unsigned)(rest / 60 % 60);
    *second = (unsigned)(rest % 60);
}

/* ---- reading ---- */

static void skip_spaces(struct str *s)
{
    while (s->len > 0 && s->ptr[0] == ' ') {
        *s = str_from_offset(*s, 1);
    }
}

/* At most `max_digits`, at least one. */
static bool take_number(struct str *s, size_t max_digits, unsigned *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->len && n < max_digits && char_is(s->ptr[n], CHAR_DIGIT)) {
        *out = *out * 10 + (unsigned)(s->ptr[n++] - '0');
    }
    *s = str_from_offset(*s, n);
    return n > 0;
}

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = str_from_offset(*s, 1);
    return true;
}

static bool take_month(struct str *s, unsigned *out)
{
    for (unsigned i = 0; i < 12; i++) {
        if (str_starts_nocase(*s, months[i])) {
            *s = str_from_offset(*s, 3);
            *out = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_zone(struct str *s, int32_t *out)
{
    if (s->len == 0) {
        *out = 0;
        return true;
    }
    bool west = s->ptr[0] == '-';
    unsigned hhmm;
    if (!west && s->ptr[0] != '+') {
        return false;
    }
    *s = str_from_offset(*s, 1);
    if (!take_number(s, 4, &hhmm) || hhmm % 100 > 59) {
        return false;
    }
    int32_t seconds = (int32_t)(hhmm / 100 * 3600 + hhmm % 100 * 60);
    *out = west ? -seconds : seconds;
    return true;
}

/* "17-Jul-1996", a day that there is. */
static bool take_day(struct str *s, int64_t *day_s)
{
    static const unsigned char month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned day, month, year;
    if (!take_number(s, 2, &day) || !take_char(s, '-') || !take_month(s, &month) ||
        !take_char(s, '-') || !take_number(s, 4, &year)) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    unsigned days = month == 2 && !leap ? 28 : month_days[month - 1];
    if (day < 1 || day > days) {
        return false;
    }
    *day_s = date_from_civil((int)year, month, day, 0, 0, 0);
    return true;
}

bool imap_day_parse(struct str text, int64_t *day_s)
{
    return take_day(&text, day_s) && text.len == 0;
}

bool imap_date_parse(struct str text, struct imap_date *out)
{
    unsigned hour, minute, second;
    int64_t day_s;
    struct imap_date date = {0};
    skip_spaces(&text);
    if (!take_day(&text, &day_s)) {
        return false;
    }
    skip_spaces(&text);
    if (!take_number(&text, 2, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, &minute) || !take_char(&text, ':') ||
        !take_number(&text, 2, &second)) {
        return false;
    }
    skip_spaces(&text);
    if (!take_zone(&text, &date.zone_s) || str_trim(text).len != 0) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    date.unix_s = day_s + (int64_t)hour * 3600 + minute * 60 + second - date.zone_s;
    *out = date;
    return true;
}

bool imap_date_read(struct reader *r, struct imap_date *out)
{
    struct str text;
    if (!reader_expect_nstring(r, &text)) {
        return false;
    }
    if (!imap_date_parse(text, out)) {
        *out = (struct imap_date){0};
    }
    return true;
}

/* ---- writing ---- */

void imap_date_write(struct writer *w, const struct imap_date *date)
{
    int year;
    unsigned month, day, hour, minute, second;
    date_to_civil(date->unix_s + date->zone_s, &year, &month, &day, &hour, &minute, &second);
    if (year < 0 || year > 9999) {
        writer_fail(w, "a date in the year %d", year);
        return;
    }
    unsigned zone_min = (unsigned)(date->zone_s < 0 ? -date->zone_s : date->zone_s) / 60;
    writer_format(w, "\"%2u-%s-%04d %02u:%02u:%02u %c%02u%02u\"", day, months[month - 1].ptr, year,
                  hour, minute, second, date->zone_s < 0 ? '-' : '+', zone_min / 60, zone_min % 60);
}

void imap_day_write(struct writer *w, int64_t day_s)
{
    int year;
    unsigned month, day, hour, minute, second;
    date_to_civil(day_s, &year, &month, &day, &hour, &minute, &second);
    if (year < 0 || year > 9999) {
        writer_fail(w, "a date in the year %d", year);
        return;
    }
    writer_format(w, "%u-%s-%04d", day, months[month - 1].ptr, year);
}
