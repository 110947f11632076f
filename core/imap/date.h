#pragma once
/* date-time of RFC 9051, without the C library's time zones. */
#include "wire/reader.h"
#include "wire/writer.h"

struct imap_date {
    int64_t unix_s; /* seconds since 1970 UTC */
    int32_t zone_s; /* east of UTC; whole minutes */
};

/* "17-Jul-1996 02:44:25 -0700" in quotes; tolerates a missing leading space, extra spaces and a
 * missing zone. What is no date or an impossible one (00-Jan-0000) reads as 0, and so does NIL. */
bool imap_date_read(struct reader *r, struct imap_date *out);
/* The same without quotes; false for what is no date or an impossible one. */
bool imap_date_parse(struct str text, struct imap_date *out);
/* With quotes. The year must have four digits. */
void imap_date_write(struct writer *w, const struct imap_date *date);
/* Civil time to Unix seconds and back, proleptic Gregorian. month 1..12, day 1..31. */
int64_t date_from_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                        unsigned second);
void date_to_civil(int64_t unix_s, int *year, unsigned *month, unsigned *day, unsigned *hour,
                   unsigned *minute, unsigned *second);

/* "1-Feb-1994": a day's begin as if in UTC; false for what is no date or an impossible one. */
bool imap_day_parse(struct str text, int64_t *day_s);
/* Without quotes. The year must have four digits. */
void imap_day_write(struct writer *w, int64_t day_s);
