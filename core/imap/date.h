#pragma once
/* date-time and date of RFC 9051, without the C library's time zones. */
#include "wire/reader.h"
#include "wire/writer.h"

struct imap_date {
    int64_t unix_s; /* seconds since 1970 UTC */
    int32_t zone_s; /* east of UTC */
};

/* "17-Jul-1996 02:44:25 -0700" in quotes; tolerates a missing leading space and extra spaces. An
 * impossible date (00-Jan-0000) reads as 0. */
bool imap_date_read(struct reader *r, struct imap_date *out);
void imap_date_write(struct writer *w, const struct imap_date *date);
/* Civil time to Unix seconds and back, proleptic Gregorian. month 1..12, day 1..31. */
int64_t date_from_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                        unsigned second);
void date_to_civil(int64_t unix_s, int *year, unsigned *month, unsigned *day, unsigned *hour,
                   unsigned *minute, unsigned *second);
