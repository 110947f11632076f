#pragma once
/* A directory of a test's own, below TMPDIR. */

/* Made; the caller owns the path. */
char *scratch_new(void);
/* Removes everything in it. */
void scratch_free(char **path);
