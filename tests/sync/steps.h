#pragma once
/*
 * Changes on either side, told in words for tables of cases, each ended by "; " but the last:
 *
 *   here move FROM TO SUBJECT            there move FROM TO SUBJECT
 *   here flags FOLDER SUBJECT FLAGS      there flags MAILBOX SUBJECT FLAGS
 *   here add FOLDER SUBJECT [FLAGS]      there append MAILBOX SUBJECT [FLAGS]
 *   here add_as FOLDER FILE SUBJECT      there expunge MAILBOX SUBJECT
 *   here remove FOLDER SUBJECT           there create MAILBOX
 *   here create FOLDER
 *
 * Each is the function of that name in engine.h: "here move" is local_move().
 */
#include "sync/engine.h"

void steps_do(struct engine *e, const char *steps);
/* Done in the next pass, when its plan is made and nothing of it carried out. `e->meanwhile` tells
 * whether that is still to come. */
void steps_do_meanwhile(struct engine *e, const char *steps);
